internal import Files
public import ScoreModels
public import Torch

/// Implicit score matching of noisy data, which does not use the noise that was added: E w(σ)·(‖D − x̂‖² + σ²·(2·tr ∂D/∂x̂ − d))/d
/// with x̂ = xₜ/s(t).
///
/// By Stein's identity this has the same expectation as the denoising objective E w(σ)·‖D − x₀‖²/d, for every model. In terms of the
/// score it is, up to constants, E s²σ²·(½‖score‖² + tr ∇score) of Hyvärinen (2005), *Estimation of non-normalized statistical models
/// by score matching*. For denoisers it is Stein's unbiased estimate of the risk (Stein 1981). The loss of a single example may be
/// negative.
///
/// - Cost: d recorded backward passes, for d numbers in an example. For large d use `SlicedScoreMatching`.
public struct ImplicitScoreMatching: ScoreObjective, Hashable {
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
  ///
  /// - Throws: an error of the engine, such as too little memory.
  public func loss(
    of model: any ScoreModel, on batch: TrainingBatch, process: any DiffusionProcess,
    using generator: inout RandomGenerator
  ) throws -> Tensor {
    let noisy = NoisyPoints(batch, process: process, noiseLevels: noiseLevels, using: &generator)
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

/// Sliced score matching of noisy data: `ImplicitScoreMatching` with the trace estimated by vᵀ(∂D/∂x̂)v for random signs v.
///
/// Song, Garg, Shi & Ermon (2019), *Sliced score matching: A scalable approach to density and score estimation*, arXiv
/// 1905.07088, in the form of reduced variance, which computes the norm exactly.
///
/// - Cost: a recorded backward pass for each probe.
public struct SlicedScoreMatching: ScoreObjective, Hashable {
  /// The distribution of noise levels σ.
  public var noiseLevels: NoiseDistribution
  /// The weight w of each noise level.
  public var weighting: LossWeighting
  /// The number of vectors v for each example.
  public var probeCount: Int

  /// Makes an objective.
  ///
  /// - Precondition: there is at least one vector v for each example.
  public init(noiseLevels: NoiseDistribution, weighting: LossWeighting, probeCount: Int = 1) {
    demand(probeCount > 0, "sliced score matching needs at least 1 probe, not \(probeCount)")
    self.noiseLevels = noiseLevels
    self.weighting = weighting
    self.probeCount = probeCount
  }

  /// The loss, a recorded scalar.
  ///
  /// - Throws: an error of the engine, such as too little memory.
  public func loss(
    of model: any ScoreModel, on batch: TrainingBatch, process: any DiffusionProcess,
    using generator: inout RandomGenerator
  ) throws -> Tensor {
    let noisy = NoisyPoints(batch, process: process, noiseLevels: noiseLevels, using: &generator)
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

extension NoisyPoints {
  /// w(σ)·(‖D − x̂‖² + σ²·(2·trace − d))/d, the mean over the points.
  fileprivate func steinLoss(
    of model: any ScoreModel, weighting: LossWeighting, trace: (_ denoised: Tensor, _ x: Tensor) throws -> Tensor
  ) throws -> Tensor {
    let scale = factor(process.scale)
    let data = (x / scale).detached().variable()
    let denoised = denoised(by: model, at: data * scale)
    let dimensions = Double(x.shape.dropFirst().reduce(1, *))
    let sigma = process.sigma(times)
    let risk =
      (denoised - data).square().sumPerExample() + sigma.square() * (try trace(denoised, data) * 2 - dimensions)
    return (weighting(sigma) * risk).mean() / dimensions
  }
}
