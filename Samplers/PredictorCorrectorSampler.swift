internal import ScoreModels
public import Torch

/// Langevin steps that stay on a noise level, then a step to the next one.
///
/// Song et al. (2021), *Score-based generative modeling through stochastic differential equations*, arXiv 2011.13456,
/// algorithms 2 to 5. From xₜ at s and σ to x′ at the next level, s′ and σ′, the process is the chain
///
///     xₜ = a·x′ + G·z,   a = s/s′,   G² = s²(σ² − σ′²)
///
/// which is G² = σ² − σ′² for VE, and a = √(1 − βᵢ) and G² = βᵢ for VP. So both predictors are defined for every process,
/// sub-VP included.
///
/// Costs N·(1 + M) evaluations for N steps with M corrections.
public struct PredictorCorrectorSampler: DiscretizedSampler, Hashable {
  /// 250 levels of equal ratios.
  ///
  /// Song et al. take 1000.
  public static let defaultDiscretization = Discretization(steps: 250, schedule: .geometric)

  /// How a step reaches the next noise level.
  public enum Predictor: String, CaseIterable, Hashable, Sendable {
    /// The reverse of the chain, x ← (2 − a)·x + G²·score + G·z.
    case reverseDiffusion
    /// The mean and variance of x′ for given xₜ and x₀ = D: x ← (x + G²·score)/a + s′·√(σ′²(σ² − σ′²)/σ²)·z.
    ///
    /// Ho, Jain & Abbeel (2020), arXiv 2006.11239, with the smaller of their two variances.
    case ancestral
  }

  /// How long the Langevin steps x ← x + ε·score + √(2ε)·z are, for a signal-to-noise ratio r and α = a².
  public enum Corrector: String, CaseIterable, Hashable, Sendable {
    /// The same for all samples: ε = 2α·(r·s·σ)².
    ///
    /// As `normRatio` with the norms of pure noise, √D and √D/(sσ). The chain keeps the law of the noise level up to an
    /// error of order ε in any number of dimensions.
    case fixed
    /// By the norms of noise and score, ε = 2α·(r·‖z‖/‖score‖)².
    ///
    /// Song et al. average the norms over the batch; here each sample has its own, so that it does not depend on its batch
    /// mates. For images only: in few dimensions the score of a sample can be near 0, and the step is then huge.
    case normRatio
  }

  /// The noise levels that the sampler steps through.
  public var discretization = Self.defaultDiscretization
  /// How a step reaches the next noise level.
  public var predictor: Predictor
  /// How long the Langevin steps are.
  public var corrector: Corrector
  /// The number M of Langevin steps at each noise level.
  public var corrections: Int
  /// The signal-to-noise ratio r of the Langevin steps.
  public var signalToNoise: Double

  /// Makes a sampler with the default settings.
  public init() { self.init(steps: Self.defaultDiscretization.steps) }

  /// Makes a sampler.
  ///
  /// Song et al. take one correction, and r = 0.16 for CIFAR-10, 0.17 for CelebA and 0.075 for LSUN.
  public init(
    steps: Int = Self.defaultDiscretization.steps, predictor: Predictor = .reverseDiffusion,
    corrector: Corrector = .fixed, corrections: Int = 1, signalToNoise: Double = 0.16
  ) {
    self.predictor = predictor
    self.corrector = corrector
    self.corrections = corrections
    self.signalToNoise = signalToNoise
    self.steps = steps
  }

  /// N·(1 + M).
  public var evaluationCount: Int { steps * (1 + corrections) }

  /// Checks the steps and corrections.
  public func validate() throws(SamplerError) {
    try discretization.validate(for: "the predictor–corrector sampler")
    try require(corrections >= 0, "the number of corrections is at least 0, not \(corrections)")
    try require(
      signalToNoise > 0 && signalToNoise.isFinite, "the signal-to-noise ratio is positive, unlike \(signalToNoise)")
  }

  /// Algorithm 1.
  public func sample(_ run: inout SamplingRun) throws -> Tensor {
    let levels = try run.levels(discretization)
    var x = levels[0].scale * levels[0].sigma * run.noise()
    for (current, next) in zip(levels, levels.dropFirst()) {
      let a = current.scale / next.scale
      // The published algorithm predicts first. The authors' programs correct first, as here.
      for _ in 0..<corrections { x = corrected(x, at: current, a, &run) }
      let score = run.score(scaled: x, at: current)
      let denoised = run.denoised(scaled: x, score: score, at: current)
      // The last prediction is the denoised value, as in the authors' programs.
      x = next.sigma > 0 ? predicted(x, score, from: current, to: next, a, &run) : denoised
      try run.finishStep(scaled: x, at: next, denoised: denoised)
    }
    return x
  }

  private func corrected(_ x: Tensor, at level: NoiseLevel, _ a: Double, _ run: inout SamplingRun) -> Tensor {
    let score = run.score(scaled: x, at: level)
    let z = run.noise()
    switch corrector {
    case .fixed:
      let root = a * signalToNoise * level.scale * level.sigma
      return x + 2 * root * root * score + 2 * root * z
    case .normRatio:
      // Not in the published algorithm: a score of 0, which has no direction, gets no step.
      let squaredNorm = run.squaredNorm(score)
      let ratio = (run.squaredNorm(z) / squaredNorm).replacing(
        where: squaredNorm .== 0, with: .zeros(like: squaredNorm))
      let epsilon = 2 * (a * signalToNoise) * (a * signalToNoise) * ratio
      return x + epsilon * score + (2 * epsilon).sqrt() * z
    }
  }

  private func predicted(
    _ x: Tensor, _ score: Tensor, from level: NoiseLevel, to next: NoiseLevel, _ a: Double, _ run: inout SamplingRun
  ) -> Tensor {
    let difference = level.sigma * level.sigma - next.sigma * next.sigma
    let variance = level.scale * level.scale * difference
    switch predictor {
    case .reverseDiffusion:
      return (2 - a) * x + variance * score + variance.squareRoot() * run.noise()
    case .ancestral:
      let deviation = next.scale * next.sigma / level.sigma * difference.squareRoot()
      return (x + variance * score) / a + deviation * run.noise()
    }
  }
}
