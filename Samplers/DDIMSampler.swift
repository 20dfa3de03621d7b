public import Torch

/// Steps through the denoised value: towards D and back to the next, smaller noise level, with the same noise, with fresh
/// noise or with a mixture of both.
///
/// Song, Meng & Ermon (2021), *Denoising diffusion implicit models*, arXiv 2010.02502, equation 12, with x in units of the
/// data. A step from σᵢ to σᵢ₊₁ is
///
///     τ = η·σᵢ₊₁·√(1 − (σᵢ₊₁/σᵢ)²)
///     x ← D + √(σᵢ₊₁² − τ²)·(x − D)/σᵢ + τ·z
///
/// η = 0 is Euler's method for the probability-flow ODE. η = 1 is ancestral sampling (Ho, Jain & Abbeel 2020, arXiv
/// 2006.11239).
///
/// Costs N evaluations for N steps.
public struct DDIMSampler: DiscretizedSampler, Hashable {
  /// 50 levels, by default timesteps where the process is discrete.
  public static let defaultDiscretization = Discretization(steps: 50, schedule: .automatic)
  /// The setting `eta`.
  public static var furtherSettings: [SamplerSetting: PartialKeyPath<Self>] { [.eta: \.eta] }

  /// The noise levels that the sampler steps through.
  public var discretization = Self.defaultDiscretization
  /// The part η of fresh noise, 0 … 1.
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
    try discretization.validate(for: "the DDIM sampler")
    try require((0...1).contains(eta), "the η of the DDIM sampler lies between 0 and 1, unlike \(eta)")
  }

  /// Equation 12, N times.
  public func sample(_ run: inout SamplingRun) throws -> Tensor {
    let levels = try run.levels(discretization)
    var x = levels[0].sigma * run.noise()
    for (current, next) in zip(levels, levels.dropFirst()) {
      let denoised = run.denoised(unscaled: x, at: current)
      let ratio = next.sigma / current.sigma
      let tau = eta * next.sigma * max(1 - ratio * ratio, 0).squareRoot()
      let kept = max(next.sigma * next.sigma - tau * tau, 0).squareRoot()
      x = denoised + (kept / current.sigma) * (x - denoised)
      if tau > 0 { x += tau * run.noise() }
      try run.finishStep(unscaled: x, at: next, denoised: denoised)
    }
    return x
  }
}
