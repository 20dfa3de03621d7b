public import Torch

/// Langevin steps at one noise level, neither annealed nor corrected.
///
/// Grenander & Miller (1994), *Representations of knowledge in complex systems*: x ← x + α·score + √(2α)·z with α = η·σ², in units of the
/// data. The chain has the density of the noisy data up to an error of the order of η, and is off by it for ever; and it takes very long
/// from one mode to another where they are further apart than σ, which is what `AnnealedLangevinSampler` is for (Song & Ermon 2019,
/// arXiv 1907.05600, section 3.2). `MetropolisAdjustedLangevinSampler` has no such error.
///
/// It starts from the normal distribution of variance 1 + σ², that of data that are standardised. At the end the samples are replaced by
/// their denoised values, which takes the noise of the level away.
///
/// Costs T + 1 evaluations for T steps, or T where nothing is denoised.
public struct LangevinSampler: Sampler, Hashable {
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
    let process = run.process
    let known = process.sigma(process.timeRange.lowerBound)...process.sigma(process.timeRange.upperBound)
    try require(
      sigma >= known.lowerBound * (1 - 1e-3) && sigma <= known.upperBound * (1 + 1e-3),
      "the noise level \(sigma) is not one of the process, which has \(known.lowerBound) … \(known.upperBound)")
    let level = NoiseLevel(sigma: sigma, of: process)
    let alpha = stepSize * sigma * sigma
    var x = (1 + sigma * sigma).squareRoot() * run.noise()
    for _ in 0..<steps {
      let denoised = run.denoised(x, at: level)
      x = x + stepSize * (denoised - x) + (2 * alpha).squareRoot() * run.noise()
      try run.finishStep(x * level.scale, at: level, denoised: denoised)
    }
    guard denoises else { return x }
    x = run.denoised(x, at: level)
    try run.finishStep(x, at: NoiseLevel(time: process.samplingRange.lowerBound, sigma: 0, scale: 1), denoised: x)
    return x
  }
}
