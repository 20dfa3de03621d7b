internal import Foundation
public import ScoreModels
public import Torch

/// What training minimises.
public protocol ScoreObjective: Sendable {
  /// The loss of a model on a batch: a recorded scalar.
  ///
  /// Times and noise are drawn from the generator alone, so that a step can be repeated.
  func loss(
    of model: any ScoreModel, on batch: TrainingBatch, process: any DiffusionProcess,
    using generator: inout RandomGenerator
  ) throws -> Tensor
}

/// The distribution of noise levels in training.
public enum NoiseDistribution: Hashable, Sendable {
  /// log σ ~ N(mean, deviation²): most effort where it pays, between pure noise and pure data. Karras et al. (2022), arXiv
  /// 2206.00364, take −1.2 and 1.2.
  case logNormal(mean: Double = -1.2, deviation: Double = 1.2)
  /// t uniform over the process's time range. Song et al. (2021), arXiv 2011.13456.
  case uniformTime
  /// log σ uniform over the process's range: every order of magnitude alike. With `LossWeighting.inverseVariance` the loss
  /// is a bound on the likelihood, its noise levels drawn by importance (Song, Durkan, Murray & Ermon 2021, *Maximum
  /// likelihood training of score-based diffusion models*, arXiv 2101.09258; Kingma et al. 2021, arXiv 2107.00630).
  case logUniform

  /// Times for a batch, `[count]`, as `float32`.
  ///
  /// They are stratified, (u + i)/n through the quantile function: the same distribution at a smaller variance of the loss
  /// (Kingma et al. 2021, arXiv 2107.00630, appendix I.1).
  public func times(_ count: Int, process: any DiffusionProcess, using generator: inout RandomGenerator) -> Tensor {
    let offset = generator.uniform([1], dtype: .float64)
    let u = (Tensor.range(0, to: Double(count), dtype: .float64) + offset) / Double(count)
    let range = process.timeRange
    switch self {
    case .uniformTime:
      return (u * (range.upperBound - range.lowerBound) + range.lowerBound).to(.float32)
    case .logUniform:
      let low = log(process.sigma(range.lowerBound))
      let span = log(process.sigma(range.upperBound)) - low
      return process.time(sigma: (u * span + low).exp()).to(.float32)
    case .logNormal(let mean, let deviation):
      // Φ⁻¹(u) = √2·erf⁻¹(2u − 1); the clamp keeps the ends finite, 8 standard deviations out.
      let normal = (2 * u.clamped(to: 1e-15...(1 - 1e-15)) - 1).erfInverse() * 2.0.squareRoot()
      let sigma = (normal * deviation + mean).exp()
      let limits = process.sigma(range.lowerBound)...process.sigma(range.upperBound)
      return process.time(sigma: sigma.clamped(to: limits)).to(.float32)
    }
  }
}

/// How the noise levels are weighed against each other: the factor of ‖D(x, t) − x₀‖².
public enum LossWeighting: Hashable, Sendable {
  /// (σ² + σ_d²)/(σσ_d)²: a loss of about 1 at every noise level at first (Karras et al. 2022, arXiv 2206.00364).
  case edm(sigmaData: Double)
  /// 1/σ²: the loss ‖sσ·score + ε‖² of Song & Ermon (2019), arXiv 1907.05600, and of DDPM.
  case inverseVariance
  /// min(1/σ², γ/σ_d²): the loss of DDPM, limited where there is little noise; with σ_d = 1 it is min(SNR, γ) (Hang et al.
  /// 2023, *Efficient diffusion training via Min-SNR weighting strategy*, arXiv 2303.09556, who take γ = 5).
  case minSNR(gamma: Double = 5, sigmaData: Double)

  /// The weights at noise levels σ.
  public func callAsFunction(_ sigma: Tensor) -> Tensor {
    switch self {
    case .edm(let sigmaData): sigma.square().reciprocal() + 1 / (sigmaData * sigmaData)
    case .inverseVariance: sigma.square().reciprocal()
    case .minSNR(let gamma, let sigmaData):
      sigma.square().reciprocal().clamped(to: 0...(gamma / (sigmaData * sigmaData)))
    }
  }
}

/// Denoising score matching: E w(σ)·‖D(xₜ, t) − x₀‖² over data, times and noise, as a mean over elements.
///
/// Its minimum is the score of the noisy data (Vincent 2011, *A connection between score matching and denoising
/// autoencoders*). One network evaluation and its backward pass.
public struct DenoisingScoreMatching: ScoreObjective, Hashable {
  /// Where the noise levels come from.
  public var noiseLevels: NoiseDistribution
  /// How they are weighed.
  public var weighting: LossWeighting

  /// Makes an objective.
  public init(noiseLevels: NoiseDistribution, weighting: LossWeighting) {
    self.noiseLevels = noiseLevels
    self.weighting = weighting
  }

  /// The loss, a scalar.
  public func loss(
    of model: any ScoreModel, on batch: TrainingBatch, process: any DiffusionProcess,
    using generator: inout RandomGenerator
  ) -> Tensor {
    let noisy = NoisyPoints(batch, process: process, noiseLevels: noiseLevels, using: &generator)
    let weights = noisy.factor { weighting(process.sigma($0)) }
    return (weights * (noisy.denoised(by: model) - batch.examples).square()).mean()
  }
}
