internal import Foundation
public import ScoreModels
public import Torch

/// A loss that training minimises.
public protocol ScoreObjective: Sendable {
  /// The loss of a model on a batch, a recorded scalar.
  ///
  /// All random numbers come from the generator, so that a step can be repeated.
  ///
  /// - Throws: an error of the objective; training stops, and the weights stay as they are.
  func loss(
    of model: any ScoreModel, on batch: TrainingBatch, process: any DiffusionProcess,
    using generator: inout RandomGenerator
  ) throws -> Tensor
}

/// The distribution of noise levels σ in training.
public enum NoiseDistribution: Hashable, Sendable {
  /// log σ ~ N(mean, deviation²), with most noise levels between almost pure noise and almost pure data. Karras et al. (2022), arXiv
  /// 2206.00364, use −1.2 and 1.2.
  case logNormal(mean: Double = -1.2, deviation: Double = 1.2)
  /// t uniform over the time range of the process. Song et al. (2021), arXiv 2011.13456.
  case uniformTime
  /// log σ uniform over the range of the process: all orders of magnitude count alike.
  ///
  /// With `LossWeighting.inverseVariance` the loss is a bound on the likelihood with noise levels from importance sampling (Song,
  /// Durkan, Murray & Ermon 2021, *Maximum likelihood training of score-based diffusion models*, arXiv 2101.09258; Kingma et al.
  /// 2021, arXiv 2107.00630).
  case logUniform

  /// Times for a batch, `[count]`, as `float32`.
  ///
  /// They are stratified: (u + i)/n for i = 0 … n − 1 through the quantile function. The distribution is the same, and the loss has a
  /// smaller variance (Kingma et al. 2021, arXiv 2107.00630, appendix I.1).
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

/// The weights w(σ) of the noise levels: the factor of ‖D(x, t) − x₀‖².
public enum LossWeighting: Hashable, Sendable {
  /// (σ² + σ_d²)/(σσ_d)²: an untrained network has a loss of about 1 at every noise level (Karras et al. 2022, arXiv 2206.00364).
  case edm(sigmaData: Double)
  /// 1/σ²: the loss ‖sσ·score + ε‖² of Song & Ermon (2019), arXiv 1907.05600, and of DDPM.
  case inverseVariance
  /// min(1/σ², γ/σ_d²): the weight of DDPM with an upper limit, which holds where there is little noise. With σ_d = 1 it is
  /// min(SNR, γ) of Hang et al. (2023), *Efficient diffusion training via Min-SNR weighting strategy*, arXiv 2303.09556, with γ = 5.
  case minSNR(gamma: Double = 5, sigmaData: Double)

  /// The weights at noise levels σ, in the shape and the element type of σ.
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
/// Its minimum is the score of the noisy data (Vincent 2011, *A connection between score matching and denoising autoencoders*).
///
/// - Cost: one evaluation of the network and its backward pass.
public struct DenoisingScoreMatching: ScoreObjective, Hashable {
  /// The distribution of noise levels σ.
  public var noiseLevels: NoiseDistribution
  /// The weight w of each noise level.
  public var weighting: LossWeighting

  /// Makes an objective.
  public init(noiseLevels: NoiseDistribution, weighting: LossWeighting) {
    self.noiseLevels = noiseLevels
    self.weighting = weighting
  }

  /// The loss, a recorded scalar.
  public func loss(
    of model: any ScoreModel, on batch: TrainingBatch, process: any DiffusionProcess,
    using generator: inout RandomGenerator
  ) -> Tensor {
    let noisy = NoisyPoints(batch, process: process, noiseLevels: noiseLevels, using: &generator)
    let weights = noisy.factor { weighting(process.sigma($0)) }
    return (weights * (noisy.denoised(by: model) - batch.examples).square()).mean()
  }
}
