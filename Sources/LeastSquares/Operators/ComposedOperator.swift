internal import Files
public import Torch

/// A·B: first B, then A.
public struct ComposedOperator: LinearOperator {
  private let outer: any LinearOperator
  private let inner: any LinearOperator
  private let outerCount: Int

  /// Makes the product of two operators.
  ///
  /// - Precondition: `outer.columns` is `inner.rows`.
  public init(_ outer: any LinearOperator, _ inner: any LinearOperator) {
    demand(
      outer.columns == inner.rows,
      "an operator of \(outer.columns) columns does not follow one of \(inner.rows) rows")
    self.outer = outer
    self.inner = inner
    outerCount = outer.parameters.count
  }

  /// The rows of A.
  public var rows: Int { outer.rows }
  /// The columns of B.
  public var columns: Int { inner.columns }
  /// The parameters of A, then those of B.
  public var parameters: [Tensor] { outer.parameters + inner.parameters }
  /// The sum of both costs.
  public var productCost: Double { outer.productCost + inner.productCost }
  /// A·(B·x).
  public func apply(_ x: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    try outer.apply(
      inner.apply(x, Array(parameters[outerCount...])), Array(parameters[..<outerCount]))
  }
  /// Bᵀ·(Aᵀ·y).
  public func applyAdjoint(_ y: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    try inner.applyAdjoint(
      outer.applyAdjoint(y, Array(parameters[..<outerCount])), Array(parameters[outerCount...]))
  }
  /// ⟨y, A·(B·x)⟩ by A's pairing.
  public func pairing(_ y: Tensor, _ x: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    try outer.pairing(y, inner.apply(x, Array(parameters[outerCount...])), Array(parameters[..<outerCount]))
  }
}
