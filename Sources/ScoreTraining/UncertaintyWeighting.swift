internal import Files
public import ScoreModels
public import Torch

/// Denoising score matching in which each noise level has a learned weight: E w(σ)·‖D − x₀‖²/(d·e^u(σ)) + u(σ).
///
/// u is learned together with the model, an `UncertainScore`. At the minimum e^u is the mean loss at each noise level, and all noise
/// levels give gradients of the same size. Karras et al. (2024), arXiv 2312.02696, after Kendall, Gal & Cipolla (2018), arXiv
/// 1705.07115.
///
/// - Cost: the cost of denoising score matching.
public struct UncertaintyWeighting: ScoreObjective, Hashable {
  /// The distribution of noise levels and the weights w.
  public var base: DenoisingScoreMatching

  /// Makes an objective.
  public init(_ base: DenoisingScoreMatching) { self.base = base }

  /// The loss, a recorded scalar, which may be negative.
  ///
  /// - Precondition: the model is an `UncertainScore`.
  public func loss(
    of model: any ScoreModel, on batch: TrainingBatch, process: any DiffusionProcess,
    using generator: inout RandomGenerator
  ) -> Tensor {
    guard let model = model as? UncertainScore else {
      endProgram("UncertaintyWeighting trains an UncertainScore, not \(type(of: model))")
    }
    let noisy = NoisyPoints(batch, process: process, noiseLevels: base.noiseLevels, using: &generator)
    let sigma = process.sigma(noisy.times)
    let errors = (noisy.denoised(by: model) - batch.examples).square().flattened(from: 1).mean(1)
    let logLoss = model.logLoss(sigma)
    return (errors * base.weighting(sigma) * (-logLoss).exp() + logLoss).mean()
  }
}
