import ScoreKit

/// Denoising with a pseudo-Huber loss, which large errors influence less: √(w·e² + c²) − c.
///
/// Song & Dhariwal (2023), *Improved techniques for training consistency models*, arXiv 2310.14189, use this loss.
struct PseudoHuber: ConfigurableObjective {
  /// Its constant.
  struct Configuration: Codable, Hashable {
    /// Errors far below c are squared, errors far above it are not.
    var c = 0.5
  }

  static let name = "pseudo-huber"
  static let defaultConfiguration = Configuration()

  private let c: Double
  private let denoising: DenoisingScoreMatching

  init(_ configuration: Configuration, for context: ModelContext, denoising: DenoisingScoreMatching) throws {
    guard configuration.c > 0, configuration.c.isFinite else {
      throw ConfigurableError("the objective pseudo-huber needs a positive c, not \(configuration.c)")
    }
    c = configuration.c
    self.denoising = denoising
  }

  func loss(
    of model: any ScoreModel, on batch: TrainingBatch, process: any DiffusionProcess,
    using generator: inout RandomGenerator
  ) -> Tensor {
    let data = batch.examples
    let times = denoising.noiseLevels.times(data.shape[0], process: process, using: &generator).to(data.device)
    let noise = generator.normal(data.shape).to(data.device)
    let noisy = process.perturb(data, noise: noise, at: times)
    let errors = model.denoised(noisy, at: times, process: process, condition: batch.labels) - data
    let weights = denoising.weighting(process.sigma(times)).broadcastable(toRank: data.rank)
    return ((weights * errors.square() + c * c).sqrt() - c).mean()
  }
}
