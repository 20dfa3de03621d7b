internal import ScoreModels
import Torch

/// The Jacobians J = ∂s/∂x of a score at the points of a batch, from one recorded evaluation.
///
/// The examples of a batch do not depend on each other, so one backward pass serves all of them.
struct ScoreJacobian {
  private let x: Tensor
  /// The score, recorded.
  let score: Tensor

  /// Evaluates the score at x `[batch, …]` and t `[batch]`.
  ///
  /// - Throws: `ConservativenessError` for a score that has another shape than x or was not recorded.
  init(of model: any ScoreModel, at x: Tensor, _ t: Tensor, condition: Tensor?) throws {
    let variable = x.variable()
    self.x = variable
    score = withGradients { model.score(variable, at: t, condition: condition) }
    try require(
      score.shape == x.shape, "\(type(of: model)) returned a score of shape \(score.shape) at x of shape \(x.shape)")
    try require(score.requiresGradient, Self.isNotRecorded)
  }

  private static let isNotRecorded =
    "the score's dependence on x was not recorded, so that its Jacobian is not known: "
    + "let the model compute it in operations on x, not on x.detached() or in withoutGradients"

  /// Jᵀ·w, recorded as a function of w.
  private func recordedAdjointProduct(_ w: Tensor) throws -> (w: Tensor, product: Tensor) {
    let variable = w.variable()
    let product = try withGradients {
      try gradients(of: score, withRespectTo: [x], seed: variable, createGraph: true)[0]
    }
    // If the score depends on x at all, the product depends on w.
    try require(product.requiresGradient, Self.isNotRecorded)
    return (variable, product)
  }

  /// J·v and Jᵀ·v for each v, of the shape of x.
  ///
  /// Jᵀ·v is a backward pass. J·v is a backward pass through that backward pass, since v ↦ J·v is the transpose of w ↦
  /// Jᵀ·w. The map w ↦ Jᵀ·w is recorded once, with w = the first v; this also computes Jᵀ·v for the first v.
  func products(with vectors: [Tensor]) throws -> [(product: Tensor, adjointProduct: Tensor)] {
    guard let first = vectors.first else { return [] }
    let record = try recordedAdjointProduct(first)
    return try vectors.indices.map { index in
      let v = vectors[index]
      let isLast = index == vectors.count - 1
      let adjointProduct =
        index == 0
        ? record.product.detached() : try gradients(of: score, withRespectTo: [x], seed: v, retainGraph: true)[0]
      let product = try gradients(
        of: record.product, withRespectTo: [record.w], seed: v, retainGraph: !isLast)[0]
      return (product, adjointProduct)
    }
  }

  /// J for each point, `[batch, D, D]`: D backward passes.
  func matrices() throws -> Tensor {
    let shape = x.shape
    let count = shape.dropFirst().reduce(1, *)
    let identity = Tensor.identity(count, dtype: x.dtype).to(x.device)
    let rows = try (0..<count).map { index in
      let seed = identity[index].reshaped([1] + shape.dropFirst()).expanded(to: shape)
      let row =
        index == 0
        ? try recordedAdjointProduct(seed).product.detached()
        : try gradients(of: score, withRespectTo: [x], seed: seed, retainGraph: index < count - 1)[0]
      return row.flattened(from: 1)
    }
    return .stack(rows, along: 1)
  }
}
