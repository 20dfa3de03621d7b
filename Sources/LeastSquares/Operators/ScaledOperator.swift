internal import Files
public import Torch

/// c·A with a number c that is a parameter.
public struct ScaledOperator: LinearOperator {
  private let base: any LinearOperator
  private let factor: Tensor

  /// Makes a multiple of an operator.
  ///
  /// - Precondition: the factor has one element.
  public init(_ base: any LinearOperator, by factor: Tensor) {
    demand(factor.elementCount == 1, "an operator is scaled by one number, not by \(factor.shape)")
    self.base = base
    self.factor = factor
  }

  /// The rows of A.
  public var rows: Int { base.rows }
  /// The columns of A.
  public var columns: Int { base.columns }
  /// The factor c, then the parameters of A.
  public var parameters: [Tensor] { [factor] + base.parameters }
  /// The cost of a product with A.
  public var productCost: Double { base.productCost }
  /// c·(A·x).
  public func apply(_ x: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    try base.apply(x, Array(parameters.dropFirst())) * parameters[0].reshaped([]).to(x.dtype)
  }
  /// c·(Aᵀ·y).
  public func applyAdjoint(_ y: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    try base.applyAdjoint(y, Array(parameters.dropFirst())) * parameters[0].reshaped([]).to(y.dtype)
  }
  /// c times the pairing of A.
  public func pairing(_ y: Tensor, _ x: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    try base.pairing(y, x, Array(parameters.dropFirst())) * parameters[0].reshaped([]).to(x.dtype)
  }
  /// c times the matrix of A.
  public func matrix(like vector: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    try withoutGradients {
      try base.matrix(like: vector, Array(parameters.dropFirst())) * parameters[0].reshaped([]).to(vector.dtype)
    }
  }
}
