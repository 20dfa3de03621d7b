public import Torch

/// Aᵀ, with the two products of A exchanged.
public struct TransposedOperator: LinearOperator {
  private let base: any LinearOperator

  /// Makes the transpose of an operator.
  public init(of base: any LinearOperator) { self.base = base }

  /// The columns of A.
  public var rows: Int { base.columns }
  /// The rows of A.
  public var columns: Int { base.rows }
  /// The parameters of A.
  public var parameters: [Tensor] { base.parameters }
  /// The cost of a product with A.
  public var productCost: Double { base.productCost }
  /// The adjoint product of A.
  public func apply(_ x: Tensor, _ parameters: [Tensor]) throws -> Tensor { try base.applyAdjoint(x, parameters) }
  /// The product of A.
  public func applyAdjoint(_ y: Tensor, _ parameters: [Tensor]) throws -> Tensor { try base.apply(y, parameters) }
  /// The pairing of A with x and y exchanged.
  public func pairing(_ y: Tensor, _ x: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    try base.pairing(x, y, parameters)
  }
  /// The transpose of the matrix of A.
  public func matrix(like vector: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    try base.matrix(like: vector, parameters).transposed()
  }
}
