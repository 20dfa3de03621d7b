public import Torch

/// Aᵀ: the two products change places.
public struct TransposedOperator: LinearOperator {
  private let base: any LinearOperator

  /// Makes the transpose of an operator.
  public init(of base: any LinearOperator) { self.base = base }

  /// The columns of the base.
  public var rows: Int { base.columns }
  /// The rows of the base.
  public var columns: Int { base.rows }
  /// Those of the base.
  public var parameters: [Tensor] { base.parameters }
  /// That of the base.
  public var productCost: Double { base.productCost }
  /// The adjoint product of the base.
  public func apply(_ x: Tensor, _ parameters: [Tensor]) throws -> Tensor { try base.applyAdjoint(x, parameters) }
  /// The product of the base.
  public func applyAdjoint(_ y: Tensor, _ parameters: [Tensor]) throws -> Tensor { try base.apply(y, parameters) }
  /// That of the base with x and y exchanged.
  public func pairing(_ y: Tensor, _ x: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    try base.pairing(x, y, parameters)
  }
  /// The transpose of the base's matrix.
  public func matrix(like vector: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    try base.matrix(like: vector, parameters).transposed()
  }
}
