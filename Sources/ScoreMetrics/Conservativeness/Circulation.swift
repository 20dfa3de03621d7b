public import ScoreModels
public import Torch

/// The integral of a score around a closed curve.
///
/// By Stokes' theorem ∮ s·dx is the flux of the antisymmetric part of the Jacobian through a surface that the curve
/// bounds: for a small circle of radius r in the plane of u and v it is πr²·uᵀ(Jᵀ − J)v. For every gradient it is 0.
public struct Circulation: Codable, Hashable, Sendable {
  /// ∮ s·dx.
  public let value: Double
  /// ∮ s·dx/∮ ‖s‖·‖dx‖ ∈ [−1, 1]: the mean cosine of the angle between the score and the curve, weighted by the score's
  /// norm; 0 where the score vanishes.
  public let normalized: Double
}

/// The circulations of a score around closed curves, one for each.
///
/// Circles are integrated with an error that decreases exponentially with the number of nodes, see `Curves.circles`.
/// The score is computed in the model's element type, the sum in `float64`; nothing is recorded.
///
/// - Parameters:
///   - model: the score; if it is known to be a gradient, the result is the numerical error.
///   - curves: closed curves.
///   - t: the time.
///   - condition: an entry for each curve, such as class labels `[curves]`, or `nil`.
///   - batchSize: the number of nodes that are evaluated together.
/// - Throws: `ConservativenessError` for open curves, other invalid arguments, and a score that is not finite.
/// - Complexity: an evaluation for each node.
public func circulation(
  of model: any ScoreModel, around curves: Curves, at t: Double, condition: Tensor? = nil, batchSize: Int = 256
) throws(ConservativenessError) -> [Circulation] {
  try require(curves.isClosed, "a circulation goes around closed curves, such as circles and polygons")
  let (integrals, bounds) = try pairings(
    of: model, along: curves, at: t, condition: condition, batchSize: batchSize)
  return zip(integrals.elements(as: Double.self), bounds.elements(as: Double.self)).map { value, bound in
    Circulation(value: value, normalized: bound > 0 ? value / bound : 0)
  }
}
