import Foundation
import ScoreKit

/// A last layer that is solved for instead of trained.
///
/// Its weights w are those that fit some examples best: for their features Φ `[examples, features]` and targets y `[examples]`
///
///     w = argmin ‖Φ·w − y‖² + δ²·‖w‖²,
///
/// which is exact after one solve, from any number of examples. `leastSquares` is differentiable, so the network that makes the
/// features, and δ, are trained for what w does on *other* examples.
///
/// L. Bertinetto, J. F. Henriques, P. H. S. Torr & A. Vedaldi (2019), *Meta-learning with differentiable closed-form solvers*,
/// arXiv 1805.08136.
struct LeastSquaresLayer: Module {
  /// log δ, so that δ stays positive.
  let logDamping: Parameter

  /// Makes a layer with a damping δ to start from.
  init(damping: Double) { logDamping = Parameter(Tensor(log(damping))) }

  /// δ.
  var damping: Tensor { logDamping.value.exp() }

  /// The weights `[features]` that fit examples best.
  func weights(fitting targets: Tensor, from features: Tensor) throws -> Tensor {
    try leastSquares(MatrixOperator(features), targets, damping: damping).x
  }
}
