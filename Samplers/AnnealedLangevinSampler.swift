internal import ScoreModels
public import Torch

/// Langevin steps at one noise level after another, from the largest to the smallest.
///
/// Song & Ermon (2019), *Generative modeling by estimating gradients of the data distribution*, arXiv 1907.05600, and
/// (2020), *Improved techniques for training score-based generative models*, arXiv 2006.09011, algorithm 1. A step at level
/// σᵢ is
///
///     x ← x + αᵢ·score + √(2αᵢ)·z,   αᵢ = ε·σᵢ²/σ_L² = η·σᵢ²
///
/// and at the end x is replaced by its denoised value.
///
/// x is in units of the data, where the noise of every process is σ and the score is (D − x)/σ². So the algorithm serves
/// variance-preserving processes too. With a single level it is plain Langevin dynamics at σ_max.
///
/// Costs L·T + 1 evaluations for L levels with T steps each. Each evaluation is an observed step.
public struct AnnealedLangevinSampler: DiscretizedSampler, Hashable {
  /// 100 levels of equal ratios.
  ///
  /// Song & Ermon (2020) take 232 levels from 50 to σ_L = 0.01 for CIFAR-10.
  public static let defaultDiscretization = Discretization(steps: 100, schedule: .geometric)
  /// The settings `stepsPerLevel` and `stepSize`.
  public static var furtherSettings: [SamplerSetting: PartialKeyPath<Self>] {
    [.stepsPerLevel: \.stepsPerLevel, .stepSize: \.stepSize]
  }

  /// The noise levels; their number is L.
  public var discretization = Self.defaultDiscretization
  /// The number of Langevin steps T at each level.
  public var stepsPerLevel: Int
  /// The step size relative to the noise, η = αᵢ/σᵢ² = ε/σ_L²; the chain is stable below 2.
  public var stepSize: Double

  /// Makes a sampler with the default settings.
  public init() { self.init(noiseLevels: Self.defaultDiscretization.steps) }

  /// Makes a sampler of `noiseLevels` levels.
  ///
  /// The other defaults are Song & Ermon's (2020) for CIFAR-10: 5 steps each, and ε = 6.2·10⁻⁶ for σ_L = 0.01.
  public init(
    noiseLevels: Int = Self.defaultDiscretization.steps, stepsPerLevel: Int = 5, stepSize: Double = 0.062
  ) {
    self.stepsPerLevel = stepsPerLevel
    self.stepSize = stepSize
    steps = noiseLevels
  }

  /// L·T + 1.
  public var stepCount: Int { steps * stepsPerLevel + 1 }

  /// Checks the numbers and the size of the steps.
  public func validate() throws(SamplerError) {
    try discretization.validate(for: "annealed Langevin dynamics", counting: "noise level")
    try require(stepsPerLevel > 0, "annealed Langevin dynamics needs at least 1 step per level, not \(stepsPerLevel)")
    try require(
      stepSize > 0 && stepSize < 2,
      "the step size of annealed Langevin dynamics, relative to σ², lies between 0 and 2, unlike \(stepSize)")
  }

  /// Algorithm 1.
  public func sample(_ run: inout SamplingRun) throws -> Tensor {
    let levels = try run.levels(discretization)
    var x = levels[0].sigma * run.noise()
    for level in levels.dropLast() {
      let alpha = stepSize * level.sigma * level.sigma
      for _ in 0..<stepsPerLevel {
        let denoised = run.denoised(unscaled: x, at: level)
        let score = level.score(unscaled: x, denoised: denoised)
        x = x + alpha * score + (2 * alpha).squareRoot() * run.noise()
        try run.finishStep(unscaled: x, at: level, denoised: denoised)
      }
    }
    x = run.denoised(unscaled: x, at: levels[steps - 1])
    try run.finishStep(unscaled: x, at: levels[steps], denoised: x)
    return x
  }
}
