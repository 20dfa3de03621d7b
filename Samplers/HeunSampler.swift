internal import ScoreModels
public import Torch

/// Heun's second-order steps along the probability-flow ODE, with or without churn.
///
/// Karras et al. (2022), *Elucidating the design space of diffusion-based generative models*, arXiv 2206.00364,
/// algorithm 2. It solves dx/dσ = (x − D(x; σ))/σ, the ODE of every process for x in units of the data. A step from σᵢ to
/// σᵢ₊₁ first raises the noise to σ̂ = (1 + γᵢ)·σᵢ:
///
///     x̂  = x + √(σ̂² − σᵢ²)·S_noise·z
///     d  = (x̂ − D(x̂; σ̂))/σ̂
///     x  = x̂ + (σᵢ₊₁ − σ̂)·d
///     d′ = (x − D(x; σᵢ₊₁))/σᵢ₊₁
///     x  = x̂ + (σᵢ₊₁ − σ̂)·(½d + ½d′)
///
/// The last two lines are left out in the last step, to σ = 0. Without churn (γᵢ = 0) a sample is a function of the noise it
/// starts from.
///
/// Costs 2N − 1 evaluations for N steps.
public struct HeunSampler: DiscretizedSampler, Hashable {
  /// 18 levels of Karras et al.
  public static let defaultDiscretization = Discretization(steps: 18, schedule: .karras())
  /// The setting `churn`.
  public static var furtherSettings: [SamplerSetting: PartialKeyPath<Self>] { [.churn: \.churn] }

  /// The noise levels that the sampler steps through.
  public var discretization = Self.defaultDiscretization
  /// The noise S_churn that is added and removed again over all steps; 0 for the deterministic sampler.
  public var churn: Double
  /// The noise levels that have churn: S_min … S_max.
  public var churnRange: ClosedRange<Double>
  /// The standard deviation S_noise of the added noise; above 1 for denoisers that remove too much.
  public var churnNoise: Double

  /// Makes a sampler with the default settings.
  public init() { self.init(steps: Self.defaultDiscretization.steps) }

  /// Makes a sampler.
  public init(
    steps: Int = Self.defaultDiscretization.steps, churn: Double = 0,
    churnRange: ClosedRange<Double> = 0...Double.infinity, churnNoise: Double = 1
  ) {
    self.churn = churn
    self.churnRange = churnRange
    self.churnNoise = churnNoise
    self.steps = steps
  }

  /// 2N − 1: two in each step, and one in the last.
  public var evaluationCount: Int { 2 * steps - 1 }

  /// Checks the steps and the churn.
  public func validate() throws(SamplerError) {
    try discretization.validate(for: "the Heun sampler")
    try require(churn >= 0 && churn.isFinite, "the churn of the Heun sampler is at least 0, not \(churn)")
    try require(churnNoise >= 0 && churnNoise.isFinite, "the churn noise is at least 0, not \(churnNoise)")
  }

  /// Algorithm 2.
  public func sample(_ run: inout SamplingRun) throws -> Tensor {
    let levels = try run.levels(discretization)
    let largest = run.process.sigmaRange.upperBound
    var x = levels[0].sigma * run.noise()
    for (current, next) in zip(levels, levels.dropFirst()) {
      // Raise the noise for a moment.
      var (xHat, hat) = (x, current)
      let gamma = churnRange.contains(current.sigma) ? min(churn / Double(steps), 2.squareRoot() - 1) : 0
      // Not in the published algorithm: σ̂ stays below the largest level of the process, beyond which the model is unknown.
      let sigmaHat = min((1 + gamma) * current.sigma, largest)
      if sigmaHat > current.sigma {
        hat = NoiseLevel(sigma: sigmaHat, of: run.process)
        xHat += (sigmaHat * sigmaHat - current.sigma * current.sigma).squareRoot() * churnNoise * run.noise()
      }
      // Euler's step.
      let denoised = run.denoised(unscaled: xHat, at: hat)
      let d = (xHat - denoised) / hat.sigma
      x = xHat + (next.sigma - hat.sigma) * d
      // Heun's correction.
      if next.sigma > 0 {
        let dPrime = (x - run.denoised(unscaled: x, at: next)) / next.sigma
        x = xHat + (next.sigma - hat.sigma) * (0.5 * d + 0.5 * dPrime)
      }
      try run.finishStep(unscaled: x, at: next, denoised: denoised)
    }
    return x
  }
}
