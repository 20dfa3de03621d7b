public import Torch

/// Euler's first-order steps along the probability-flow ODE.
///
/// With x in units of the data, xₜ/s(t), the ODE of every process is dx/dσ = (x − D(x; σ))/σ (Karras et al. 2022, arXiv
/// 2206.00364, equation 1). A sample is a function of the noise it starts from.
///
/// Costs N evaluations for N steps.
public struct EulerSampler: Sampler, Hashable {
  /// The number of steps N.
  public var steps: Int
  /// The spacing of the noise levels.
  public var schedule: NoiseSchedule
  /// The smallest noise level above 0; by default the smallest of the process's sampling range.
  public var sigmaMin: Double?
  /// The noise level to start from; by default the largest of the process's sampling range.
  public var sigmaMax: Double?

  /// Makes a sampler.
  public init(
    steps: Int = 50, schedule: NoiseSchedule = .karras(), sigmaMin: Double? = nil, sigmaMax: Double? = nil
  ) {
    self.steps = steps
    self.schedule = schedule
    self.sigmaMin = sigmaMin
    self.sigmaMax = sigmaMax
  }

  /// N.
  public var stepCount: Int { steps }

  /// x ← x + (σᵢ₊₁ − σᵢ)·(x − D(x; σᵢ))/σᵢ.
  public func sample(_ run: inout SamplingRun) throws -> Tensor {
    let t = try run.levels(steps, schedule, sigmaMin: sigmaMin, sigmaMax: sigmaMax)
    var x = t[0].sigma * run.noise()
    for (current, next) in zip(t, t.dropFirst()) {
      let denoised = run.denoised(x, at: current)
      let d = (x - denoised) / current.sigma
      x = x + (next.sigma - current.sigma) * d
      try run.finishStep(x * next.scale, at: next, denoised: denoised)
    }
    return x
  }
}
