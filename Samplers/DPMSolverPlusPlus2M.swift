public import Torch

/// A second-order multistep solver of the probability-flow ODE, or of the reverse-time SDE, that integrates the linear part
/// exactly.
///
/// Lu et al. (2022), *DPM-Solver++: fast solver for guided sampling of diffusion probabilistic models*, arXiv 2211.01095,
/// algorithm 2, and for η > 0 the SDE form of its appendix, with x in units of the data. With λ = −log σ the step from λᵢ to
/// λᵢ₊₁ = λᵢ + h is
///
///     D̃ = D + h/(2h₋₁)·(D − D₋₁)
///     x ← (σᵢ₊₁/σᵢ)·e^(−ηh)·x + (1 − e^(−(1+η)h))·D̃ + σᵢ₊₁·√(1 − e^(−2ηh))·z
///
/// where h₋₁ and D₋₁ are those of the previous step, so that D̃ continues the denoised values to the middle of the step.
/// η = 0 is the ODE. η = 1 is the SDE of the process, whose noise corrects errors of earlier steps.
///
/// The first step, which has no previous one, and the last, to σ = 0, are of first order.
///
/// Costs N evaluations for N steps: half as many as Heun's method, which has the same order.
public struct DPMSolverPlusPlus2M: DiscretizedSampler, Hashable {
  /// 18 levels of Karras et al.
  public static let defaultDiscretization = Discretization(steps: 18, schedule: .karras())
  /// The setting `eta`.
  public static var furtherSettings: [SamplerSetting: PartialKeyPath<Self>] { [.eta: \.eta] }

  /// The noise levels that the sampler steps through.
  public var discretization = Self.defaultDiscretization
  /// The part η of fresh noise, at least 0.
  public var eta: Double

  /// Makes a sampler with the default settings.
  public init() { self.init(steps: Self.defaultDiscretization.steps) }

  /// Makes a sampler.
  public init(steps: Int = Self.defaultDiscretization.steps, eta: Double = 0) {
    self.eta = eta
    self.steps = steps
  }

  /// Checks the steps and η.
  public func validate() throws(SamplerError) {
    try discretization.validate(for: "the DPM-Solver++ sampler")
    try ExponentialStep.validate(eta: eta)
  }

  /// Algorithm 2.
  public func sample(_ run: inout SamplingRun) throws -> Tensor {
    let levels = try run.levels(discretization)
    var x = levels[0].sigma * run.noise()
    var previous: (denoised: Tensor, h: Double)?
    for (current, next) in zip(levels, levels.dropFirst()) {
      let denoised = run.denoised(unscaled: x, at: current)
      if next.sigma > 0 {
        let step = ExponentialStep(from: current, to: next, eta: eta)
        var continued = denoised
        if let previous { continued += (step.h / (2 * previous.h)) * (denoised - previous.denoised) }
        x = step.shrink * x + step.gain * continued
        step.addNoise(to: &x, &run)
        previous = (denoised, step.h)
      } else {
        x = denoised
      }
      try run.finishStep(unscaled: x, at: next, denoised: denoised)
    }
    return x
  }
}
