public import Torch

/// Steps through the denoised value: towards D and back to the next, smaller noise level, with the same noise, with fresh
/// noise or with a mixture of both.
///
/// Song, Meng & Ermon (2021), *Denoising diffusion implicit models*, arXiv 2010.02502, equation 12, with x in units of the
/// data, xₜ/s(t). η = 0 is Euler's method for the probability-flow ODE; η = 1 is ancestral sampling (Ho, Jain & Abbeel
/// 2020, arXiv 2006.11239).
///
/// Costs N evaluations for N steps.
public struct DDIMSampler: Sampler, Hashable {
  /// The number of steps N.
  public var steps: Int
  /// The part η of fresh noise, 0 … 1.
  public var eta: Double
  /// The spacing of the noise levels.
  public var schedule: NoiseSchedule
  /// The smallest noise level above 0; by default the smallest of the process's sampling range.
  public var sigmaMin: Double?
  /// The noise level to start from; by default the largest of the process's sampling range.
  public var sigmaMax: Double?

  /// Makes a sampler.
  public init(
    steps: Int = 50, eta: Double = 0, schedule: NoiseSchedule = .karras(), sigmaMin: Double? = nil,
    sigmaMax: Double? = nil
  ) {
    self.steps = steps
    self.eta = eta
    self.schedule = schedule
    self.sigmaMin = sigmaMin
    self.sigmaMax = sigmaMax
  }

  /// N.
  public var stepCount: Int { steps }

  /// Checks the steps and η.
  public func validate() throws(SamplerError) {
    try require(steps > 0, "the DDIM sampler needs at least 1 step, not \(steps)")
    try require((0...1).contains(eta), "the η of the DDIM sampler lies between 0 and 1, unlike \(eta)")
  }

  /// x ← D + √(σ′² − τ²)·(x − D)/σ + τ·z with τ = η·√(σ′²(σ² − σ′²)/σ²).
  public func sample(_ run: inout SamplingRun) throws -> Tensor {
    let t = try run.levels(steps, schedule, sigmaMin: sigmaMin, sigmaMax: sigmaMax)
    var x = t[0].sigma * run.noise()
    for (current, next) in zip(t, t.dropFirst()) {
      let denoised = run.denoised(x, at: current)
      let ratio = next.sigma / current.sigma
      let tau = eta * next.sigma * max(1 - ratio * ratio, 0).squareRoot()
      let kept = max(next.sigma * next.sigma - tau * tau, 0).squareRoot()
      x = denoised + (kept / current.sigma) * (x - denoised)
      if tau > 0 { x += tau * run.noise() }
      try run.finishStep(x * next.scale, at: next, denoised: denoised)
    }
    return x
  }
}
