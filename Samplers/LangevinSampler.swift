internal import ScoreModels
public import Torch

/// Langevin steps at one noise level, neither annealed nor corrected.
///
/// Grenander & Miller (1994), *Representations of knowledge in complex systems*. With α = η·σ² and x in units of the data, a
/// step is
///
///     x ← x + α·score + √(2α)·z,   α·score = η·(D − x)
///
/// The chain has the density of the noisy data up to an error of order η. This bias never vanishes;
/// `MetropolisAdjustedLangevinSampler` has none. Where modes are further apart than σ, the chain takes very long from one to
/// another; `AnnealedLangevinSampler` is made for that (Song & Ermon 2019, arXiv 1907.05600, section 3.2).
///
/// It starts from the normal distribution of variance 1 + σ², as if the data were standardised. At the end the samples are
/// replaced by their denoised values, which removes the noise of the level.
///
/// Costs T + 1 evaluations for T steps, or T without denoising.
public struct LangevinSampler: Sampler, Hashable {
  /// The settings `steps`, `stepSize` and `noiseLevel`.
  public static var settings: [SamplerSetting: PartialKeyPath<Self>] {
    [.steps: \.steps, .stepSize: \.stepSize, .noiseLevel: \.sigma]
  }

  /// The number of Langevin steps T.
  public var steps: Int
  /// The step size relative to the noise, η = α/σ²; the chain is stable below 2.
  public var stepSize: Double
  /// The noise level σ.
  public var sigma: Double
  /// Whether the samples are the denoised values of the last states.
  public var denoises: Bool

  /// Makes a sampler.
  public init(steps: Int = 1000, stepSize: Double = 0.1, sigma: Double = 0.2, denoises: Bool = true) {
    self.steps = steps
    self.stepSize = stepSize
    self.sigma = sigma
    self.denoises = denoises
  }

  /// T, and one more to denoise.
  public var stepCount: Int { steps + (denoises ? 1 : 0) }

  /// Checks the numbers.
  public func validate() throws(SamplerError) {
    try require(steps > 0, "Langevin dynamics needs at least 1 step, not \(steps)")
    try require(
      stepSize > 0 && stepSize < 2,
      "the step size of Langevin dynamics, relative to σ², lies between 0 and 2, unlike \(stepSize)")
    try require(sigma > 0 && sigma.isFinite, "the noise level of Langevin dynamics is positive, unlike \(sigma)")
  }

  /// T steps, and the denoised values.
  ///
  /// - Throws: `SamplerError` for a noise level that the process does not have.
  public func sample(_ run: inout SamplingRun) throws -> Tensor {
    let (process, known) = (run.process, run.process.sigmaRange)
    try require(
      process.hasNoiseLevels(from: sigma, to: sigma),
      "the noise level \(sigma) is not one of the process, which has \(known.lowerBound) … \(known.upperBound)")
    let level = NoiseLevel(sigma: sigma, of: process)
    let alpha = stepSize * sigma * sigma
    var x = (1 + sigma * sigma).squareRoot() * run.noise()
    for _ in 0..<steps {
      let denoised = run.denoised(unscaled: x, at: level)
      x = x + stepSize * (denoised - x) + (2 * alpha).squareRoot() * run.noise()
      try run.finishStep(unscaled: x, at: level, denoised: denoised)
    }
    guard denoises else { return x }
    // Not in the published algorithm.
    x = run.denoised(unscaled: x, at: level)
    try run.finishStep(unscaled: x, at: .data(of: process), denoised: x)
    return x
  }
}
