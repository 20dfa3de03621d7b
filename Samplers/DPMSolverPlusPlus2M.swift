import Foundation
public import Torch

/// The second-order multistep solver of the probability-flow ODE that integrates its linear part exactly.
///
/// Lu et al. (2022), *DPM-Solver++: fast solver for guided sampling of diffusion probabilistic models*, arXiv 2211.01095,
/// algorithm 2, with x in units of the data, xₜ/s(t). With λ = −log σ the step from λᵢ to λᵢ₊₁ = λᵢ + h is
/// x ← (σᵢ₊₁/σᵢ)·x + (1 − e^(−h))·D̃, where D̃ continues the last two denoised values to the middle of the step.
///
/// Costs N evaluations for N steps: half of Heun's method, for the same order.
public struct DPMSolverPlusPlus2M: Sampler, Hashable {
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
    steps: Int = 25, schedule: NoiseSchedule = .karras(), sigmaMin: Double? = nil, sigmaMax: Double? = nil
  ) {
    self.steps = steps
    self.schedule = schedule
    self.sigmaMin = sigmaMin
    self.sigmaMax = sigmaMax
  }

  /// N.
  public var stepCount: Int { steps }

  /// Algorithm 2; the first step, which has no previous one, and the last, to σ = 0, are of first order.
  public func sample(_ run: inout SamplingRun) throws -> Tensor {
    let t = try run.levels(steps, schedule, sigmaMin: sigmaMin, sigmaMax: sigmaMax)
    var x = t[0].sigma * run.noise()
    var previous: (denoised: Tensor, h: Double)?
    for (current, next) in zip(t, t.dropFirst()) {
      let denoised = run.denoised(x, at: current)
      if next.sigma > 0 {
        let h = log(current.sigma / next.sigma)
        var middle = denoised
        if let previous { middle += (h / (2 * previous.h)) * (denoised - previous.denoised) }
        x = (next.sigma / current.sigma) * x - expm1(-h) * middle
        previous = (denoised, h)
      } else {
        x = denoised
      }
      try run.finishStep(x * next.scale, at: next, denoised: denoised)
    }
    return x
  }
}
