import Foundation
public import Torch

/// The third-order multistep solver that integrates the linear part exactly: of the probability-flow ODE, or of the reverse-time SDE.
///
/// Lu et al. (2022), *DPM-Solver++: fast solver for guided sampling of diffusion probabilistic models*, arXiv 2211.01095. As
/// `DPMSolverPlusPlus2M`, but the denoised value is continued through the last three by the parabola in λ = −log σ, whose integral
/// against the exponential is exact: with H = (1+η)·h,
///
///     x ← (σᵢ₊₁/σᵢ)·e^(−ηh)·x + (1 − e^(−H))·D + φ₂·d₁ − c·φ₃·d₂ + σᵢ₊₁·√(1 − e^(−2ηh))·z
///
/// with φ₂ = (e^(−H) − 1)/H + 1, φ₃ = φ₂/H − ½, and h·D′ = d₁ and ½·h²·D″ = d₂ by divided differences.
///
/// The parabola is integrated with c = 2, which makes the method one of third order. The authors' code, and diffusers and k-diffusion
/// after it, have c = 1 and second order. On normal distributions c = 2 had errors 2 to 10 times smaller with 18 to 60 equal
/// ratios; with 12 to 25 levels of Karras et al. c = 1 is mostly the better one, as errors happen to cancel. It is the default, so
/// that trajectories are those of these libraries.
///
/// The first two steps have fewer values to go by, and leave an error of second order with a small factor.
///
/// Costs N evaluations for N steps.
public struct DPMSolverPlusPlus3M: Sampler, Hashable {
  /// The number of steps N.
  public var steps: Int
  /// The part η of fresh noise, at least 0.
  public var eta: Double
  /// The factor c of the curvature: 1 as published, or 2 for third order.
  public var curvatureFactor: Double
  /// The spacing of the noise levels.
  public var schedule: NoiseSchedule
  /// The smallest noise level above 0; by default the smallest of the process's sampling range.
  public var sigmaMin: Double?
  /// The noise level to start from; by default the largest of the process's sampling range.
  public var sigmaMax: Double?

  /// Makes a sampler.
  public init(
    steps: Int = 25, eta: Double = 0, curvatureFactor: Double = 1, schedule: NoiseSchedule = .karras(),
    sigmaMin: Double? = nil, sigmaMax: Double? = nil
  ) {
    self.steps = steps
    self.eta = eta
    self.curvatureFactor = curvatureFactor
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
    try require(curvatureFactor.isFinite, "the factor of the curvature is a number, not \(curvatureFactor)")
  }

  /// The first step and the last, to σ = 0, are of first order, the second of second.
  public func sample(_ run: inout SamplingRun) throws -> Tensor {
    let t = try run.levels(steps, schedule, sigmaMin: sigmaMin, sigmaMax: sigmaMax)
    var x = t[0].sigma * run.noise()
    // The newest first, each with the step that was made from it.
    var previous: [(denoised: Tensor, h: Double)] = []
    for (current, next) in zip(t, t.dropFirst()) {
      let denoised = run.denoised(x, at: current)
      if next.sigma > 0 {
        let step = ExponentialStep(from: current, to: next, eta: eta)
        x = step.shrink * x + step.gain * denoised
        if let correction = correction(step, denoised, previous) { x += correction }
        step.addNoise(to: &x, &run)
        previous = [(denoised, step.h)] + previous.prefix(1)
      } else {
        x = denoised
      }
      try run.finishStep(x * next.scale, at: next, denoised: denoised)
    }
    return x
  }

  /// φ₂·d₁ − c·φ₃·d₂, or φ₂·d₁ with one earlier value; `nil` without.
  private func correction(
    _ step: ExponentialStep, _ denoised: Tensor, _ previous: [(denoised: Tensor, h: Double)]
  ) -> Tensor? {
    guard let last = previous.first else { return nil }
    let phi2 = 1 - step.gain / step.stretched
    let r0 = last.h / step.h
    let slope = (denoised - last.denoised) / r0
    guard previous.count > 1 else { return phi2 * slope }
    let r1 = previous[1].h / step.h
    let curvature = (slope - (last.denoised - previous[1].denoised) / r1) / (r0 + r1)
    let phi3 = phi2 / step.stretched - 0.5
    return phi2 * (slope + r0 * curvature) - curvatureFactor * phi3 * curvature
  }
}
