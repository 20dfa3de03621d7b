internal import Files
public import ScoreModels
public import Torch

/// An objective with a penalty on the asymmetry of the score's Jacobian: loss + λ·‖c‖².
///
/// c is the residual of `JacobianSymmetry` at the first n points of the batch, so that ‖c‖² estimates
/// NAsym = ¼‖J − Jᵀ‖²_F/‖J‖²_F ∈ [0, 1]. Chao et al. (2023), *On investigating the conservative property of score-based generative
/// models*, arXiv 2209.12753, use the trace form of the same penalty.
///
/// - Cost: the base objective, and an evaluation at n points with its second derivatives.
public struct AsymmetryPenalty: ScoreObjective {
  /// The objective without the penalty.
  public let base: any ScoreObjective
  /// λ, the weight of the penalty.
  public let weight: Double
  /// n, the number of points; a smaller batch has fewer.
  public let pointCount: Int
  /// The distribution of σ among the points.
  public let noiseLevels: NoiseDistribution

  /// Adds a penalty to an objective.
  ///
  /// - Precondition: λ is at least 0 and finite, and n is positive.
  public init(
    _ base: any ScoreObjective, weight: Double, pointCount: Int = 32,
    noiseLevels: NoiseDistribution = JacobianSymmetry.defaultNoiseLevels
  ) {
    demand(weight >= 0 && weight.isFinite, "a penalty's weight is at least 0 and finite, not \(weight)")
    demand(pointCount > 0, "a penalty is taken at a positive number of points, not \(pointCount)")
    self.base = base
    self.weight = weight
    self.pointCount = pointCount
    self.noiseLevels = noiseLevels
  }

  /// The sum of both, a recorded scalar.
  public func loss(
    of model: any ScoreModel, on batch: TrainingBatch, process: any DiffusionProcess,
    using generator: inout RandomGenerator
  ) throws -> Tensor {
    let loss = try base.loss(of: model, on: batch, process: process, using: &generator)
    let count = min(pointCount, batch.examples.size(0))
    let some = TrainingBatch(examples: batch.examples[0..<count], labels: batch.labels.map { $0[0..<count] })
    let probe = AsymmetryProbe(at: some, process: process, noiseLevels: noiseLevels, using: &generator)
    return loss + weight * (try probe.asymmetry(of: model)).square().sum()
  }
}
