import Foundation
public import Torch

/// The second-order multistep solver that integrates the linear part exactly: of the probability-flow ODE, or of the reverse-time SDE.
///
/// Lu et al. (2022), *DPM-Solver++: fast solver for guided sampling of diffusion probabilistic models*, arXiv 2211.01095,
/// algorithm 2 and, with η > 0, the SDE form of its appendix, with x in units of the data, xₜ/s(t). With λ = −log σ the step from
/// λᵢ to λᵢ₊₁ = λᵢ + h is
///
///     x ← (σᵢ₊₁/σᵢ)·e^(−ηh)·x + (1 − e^(−(1+η)h))·D̃ + σᵢ₊₁·√(1 − e^(−2ηh))·z
///
/// where D̃ continues the last two denoised values to the middle of the step, and z is fresh noise. η = 0 is the ODE, η = 1 the SDE
/// of the process; noise makes good for errors of earlier steps.
///
/// Costs N evaluations for N steps: half of Heun's method, for the same order.
public struct DPMSolverPlusPlus2M: Sampler, Hashable {
  /// The number of steps N.
  public var steps: Int
  /// The part η of fresh noise, at least 0.
  public var eta: Double
  /// The spacing of the noise levels.
  public var schedule: NoiseSchedule
  /// The smallest noise level above 0; by default the smallest of the process's sampling range.
  public var sigmaMin: Double?
  /// The noise level to start from; by default the largest of the process's sampling range.
  public var sigmaMax: Double?

  /// Makes a sampler.
  public init(
    steps: Int = 25, eta: Double = 0, schedule: NoiseSchedule = .karras(), sigmaMin: Double? = nil,
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
    try require(steps > 0, "the DPM-Solver++ sampler needs at least 1 step, not \(steps)")
    try ExponentialStep.validate(eta)
  }

  /// Algorithm 2; the first step, which has no previous one, and the last, to σ = 0, are of first order.
  public func sample(_ run: inout SamplingRun) throws -> Tensor {
    let t = try run.levels(steps, schedule, sigmaMin: sigmaMin, sigmaMax: sigmaMax)
    var x = t[0].sigma * run.noise()
    var previous: (denoised: Tensor, h: Double)?
    for (current, next) in zip(t, t.dropFirst()) {
      let denoised = run.denoised(x, at: current)
      if next.sigma > 0 {
        let step = ExponentialStep(from: current, to: next, eta: eta)
        var middle = denoised
        if let previous { middle += (step.h / (2 * previous.h)) * (denoised - previous.denoised) }
        x = step.shrink * x + step.gain * middle
        step.addNoise(to: &x, &run)
        previous = (denoised, step.h)
      } else {
        x = denoised
      }
      try run.finishStep(x * next.scale, at: next, denoised: denoised)
    }
    return x
  }
}

/// A step of an exponential integrator in λ = −log σ.
struct ExponentialStep {
  /// λᵢ₊₁ − λᵢ.
  let h: Double
  /// The factor of x: (σᵢ₊₁/σᵢ)·e^(−ηh).
  let shrink: Double
  /// The factor of a denoised value that is constant: 1 − e^(−(1+η)h).
  let gain: Double
  /// (1+η)·h.
  let stretched: Double
  private let noise: Double

  init(from current: NoiseLevel, to next: NoiseLevel, eta: Double) {
    h = log(current.sigma / next.sigma)
    stretched = (1 + eta) * h
    shrink = exp(-stretched)
    gain = -expm1(-stretched)
    noise = next.sigma * (-expm1(-2 * eta * h)).squareRoot()
  }

  /// σᵢ₊₁·√(1 − e^(−2ηh))·z.
  func addNoise(to x: inout Tensor, _ run: inout SamplingRun) {
    if noise > 0 { x += noise * run.noise() }
  }

  static func validate(_ eta: Double) throws(SamplerError) {
    try require(eta >= 0 && eta.isFinite, "the η of a DPM-Solver++ sampler is at least 0 and finite, not \(eta)")
  }
}
