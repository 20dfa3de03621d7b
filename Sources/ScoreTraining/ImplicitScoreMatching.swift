public import ScoreModels
public import Torch

/// Implicit score matching of noisy data, without the noise that was added: E w(σ)·(‖D − x̂‖² + σ²·(2·tr ∂D/∂x̂ − d))/d with x̂ =
/// xₜ/s(t).
///
/// By Stein's identity its expectation is that of the denoising objective, E w(σ)·‖D − x₀‖²/d, for every model; for the score it is
/// E s²σ²·(½‖s‖² + tr ∇s) of Hyvärinen (2005), *Estimation of non-normalized statistical models by score matching*, up to
/// constants. For denoisers it is Stein's unbiased estimate of their risk (Stein 1981). A single example's loss may be
/// negative.
///
/// - Cost: d backward passes that are recorded, for d numbers in an example. For large d take `SlicedScoreMatching`.
public struct ImplicitScoreMatching: ScoreObjective, Hashable {
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
  ///
  /// - Throws: an error of the engine, such as too little memory.
  public func loss(
    of model: any ScoreModel, on batch: TrainingBatch, process: any DiffusionProcess,
    using generator: inout RandomGenerator
  ) throws -> Tensor {
    let noisy = NoisyBatch(batch, noiseLevels: noiseLevels, process: process, using: &generator)
    return try noisy.steinLoss(of: model, weighting: weighting) { denoised, x in
      let dimensions = x.shape.dropFirst().reduce(1, *)
      let rows = denoised.flattened(from: 1)
      return try (0..<dimensions).reduce(Tensor.zeros([x.size(0)]).to(x.dtype).to(x.device)) { sum, index in
        let column = rows.slicing(index, index + 1, along: 1)
        let derivative = try gradients(of: column.sum(), withRespectTo: [x], createGraph: true, retainGraph: true)[0]
        return sum + derivative.flattened(from: 1).slicing(index, index + 1, along: 1).squeezed(1)
      }
    }
  }
}

/// Sliced score matching of noisy data: as `ImplicitScoreMatching`, with the trace estimated by vᵀ(∂D/∂x̂)v for random
/// signs v.
///
/// Song, Garg, Shi & Ermon (2019), *Sliced score matching: A scalable approach to density and score estimation*, arXiv
/// 1905.07088, with reduced variance: the norm is not estimated.
///
/// - Cost: a recorded backward pass for each probe.
public struct SlicedScoreMatching: ScoreObjective, Hashable {
  /// Where the noise levels come from.
  public var noiseLevels: NoiseDistribution
  /// How they are weighed.
  public var weighting: LossWeighting
  /// The number of vectors v for each example.
  public var probeCount: Int

  /// Makes an objective.
  ///
  /// - Precondition: there is a probe.
  public init(noiseLevels: NoiseDistribution, weighting: LossWeighting, probeCount: Int = 1) {
    precondition(probeCount > 0, "sliced score matching needs at least 1 probe, not \(probeCount)")
    self.noiseLevels = noiseLevels
    self.weighting = weighting
    self.probeCount = probeCount
  }

  /// The loss, a scalar.
  ///
  /// - Throws: an error of the engine, such as too little memory.
  public func loss(
    of model: any ScoreModel, on batch: TrainingBatch, process: any DiffusionProcess,
    using generator: inout RandomGenerator
  ) throws -> Tensor {
    let noisy = NoisyBatch(batch, noiseLevels: noiseLevels, process: process, using: &generator)
    let probes = (0..<probeCount).map { _ in generator.signs(batch.examples.shape).to(batch.examples.device) }
    return try noisy.steinLoss(of: model, weighting: weighting) { denoised, x in
      let products = try probes.map { v in
        let v = v.to(x.dtype)
        return try gradients(of: denoised, withRespectTo: [x], seed: v, createGraph: true, retainGraph: true)[0] * v
      }
      return products.dropFirst().reduce(products[0]) { $0 + $1 }.sumPerExample() / Double(probeCount)
    }
  }
}

/// A batch made noisy, each example at a time of its own.
struct NoisyBatch {
  let data: Tensor
  let labels: Tensor?
  let process: any DiffusionProcess
  let times: Tensor
  let sigma: Tensor
  /// xₜ.
  let noisy: Tensor

  /// Draws times, then noise.
  init(
    _ batch: TrainingBatch, noiseLevels: NoiseDistribution, process: any DiffusionProcess,
    using generator: inout RandomGenerator
  ) {
    data = batch.examples
    labels = batch.labels
    self.process = process
    times = noiseLevels.times(data.size(0), process: process, using: &generator).to(data.device)
    let noise = generator.normal(data.shape).to(data.device)
    noisy = process.perturb(data, noise: noise, at: times)
    sigma = process.sigma(times)
  }

  /// w(σ)·(‖D − x̂‖² + σ²·(2·trace − d))/d, the mean over the batch.
  fileprivate func steinLoss(
    of model: any ScoreModel, weighting: LossWeighting, trace: (_ denoised: Tensor, _ x: Tensor) throws -> Tensor
  ) throws -> Tensor {
    let scale = process.scale(times).broadcastable(toRank: noisy.rank)
    let x = (noisy / scale).detached().variable()
    let denoised = model.denoised(x * scale, at: times, process: process, condition: labels)
    let dimensions = Double(data.shape.dropFirst().reduce(1, *))
    let variance = sigma.square()
    let risk = (denoised - x).square().sumPerExample() + variance * (try trace(denoised, x) * 2 - dimensions)
    return (weighting(sigma) * risk).mean() / dimensions
  }
}
