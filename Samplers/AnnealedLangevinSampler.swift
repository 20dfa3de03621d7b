public import Torch

/// Langevin steps at one noise level after another, from the largest to the smallest.
///
/// Song & Ermon (2019), *Generative modeling by estimating gradients of the data distribution*, arXiv 1907.05600, and
/// (2020), *Improved techniques for training score-based generative models*, arXiv 2006.09011, algorithm 1: at level σᵢ
/// x ← x + αᵢ·score + √(2αᵢ)·z with αᵢ = ε·σᵢ²/σ_L², and at the end the denoised value.
///
/// x is in units of the data, xₜ/s(t), where the noise of every process is σ and the score is (D − x)/σ². So the same
/// algorithm serves the variance-preserving processes. A single level is plain Langevin dynamics at σ_max.
///
/// Costs L·T + 1 evaluations for L levels with T steps each; all of these are steps that are observed.
public struct AnnealedLangevinSampler: Sampler, Hashable {
  /// The number of noise levels L.
  public var noiseLevels: Int
  /// The number of Langevin steps T at each level.
  public var stepsPerLevel: Int
  /// The step size relative to the noise, η = αᵢ/σᵢ² = ε/σ_L²; the chain is stable below 2.
  public var stepSize: Double
  /// The spacing of the noise levels.
  public var schedule: NoiseSchedule
  /// The smallest noise level; by default the smallest of the process's sampling range.
  public var sigmaMin: Double?
  /// The noise level to start from; by default the largest of the process's sampling range.
  public var sigmaMax: Double?

  /// Makes a sampler.
  ///
  /// The defaults are Song & Ermon's (2020) for CIFAR-10: 232 levels from 50 to σ_L = 0.01, 5 steps each, ε = 6.2·10⁻⁶.
  public init(
    noiseLevels: Int = 232, stepsPerLevel: Int = 5, stepSize: Double = 0.062, schedule: NoiseSchedule = .geometric,
    sigmaMin: Double? = nil, sigmaMax: Double? = nil
  ) {
    self.noiseLevels = noiseLevels
    self.stepsPerLevel = stepsPerLevel
    self.stepSize = stepSize
    self.schedule = schedule
    self.sigmaMin = sigmaMin
    self.sigmaMax = sigmaMax
  }

  /// L·T + 1.
  public var stepCount: Int { noiseLevels * stepsPerLevel + 1 }

  /// Checks the numbers and the size of the steps.
  public func validate() throws(SamplerError) {
    try require(noiseLevels > 0, "annealed Langevin dynamics needs at least 1 noise level, not \(noiseLevels)")
    try require(stepsPerLevel > 0, "annealed Langevin dynamics needs at least 1 step per level, not \(stepsPerLevel)")
    try require(
      stepSize > 0 && stepSize < 2,
      "the step size of annealed Langevin dynamics, relative to σ², lies between 0 and 2, unlike \(stepSize)")
  }

  /// Algorithm 1.
  public func sample(_ run: inout SamplingRun) throws -> Tensor {
    let t = try run.levels(noiseLevels, schedule, sigmaMin: sigmaMin, sigmaMax: sigmaMax)
    var x = t[0].sigma * run.noise()
    for level in t.dropLast() {
      let alpha = stepSize * level.sigma * level.sigma
      for _ in 0..<stepsPerLevel {
        let denoised = run.denoised(x, at: level)
        let score = (denoised - x) / (level.sigma * level.sigma)
        x = x + alpha * score + (2 * alpha).squareRoot() * run.noise()
        try run.finishStep(x * level.scale, at: level, denoised: denoised)
      }
    }
    x = run.denoised(x, at: t[noiseLevels - 1])
    try run.finishStep(x, at: t[noiseLevels], denoised: x)
    return x
  }
}
