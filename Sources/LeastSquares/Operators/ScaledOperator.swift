public import Torch

/// c·A for a number c that is a parameter.
public struct ScaledOperator: LinearOperator {
  private let base: any LinearOperator
  private let factor: Tensor

  /// Makes a multiple of an operator; the factor has one element.
  public init(_ base: any LinearOperator, by factor: Tensor) {
    precondition(factor.elementCount == 1, "an operator is scaled by one number, not by \(factor.shape)")
    self.base = base
    self.factor = factor
  }

  /// Those of the base.
  public var rows: Int { base.rows }
  /// Those of the base.
  public var columns: Int { base.columns }
  /// The factor, then those of the base.
  public var parameters: [Tensor] { [factor] + base.parameters }
  /// That of the base.
  public var productCost: Double { base.productCost }
  /// c·(A·x).
  public func apply(_ x: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    try base.apply(x, Array(parameters.dropFirst())) * parameters[0].reshaped([]).to(x.dtype)
  }
  /// c·(Aᵀ·y).
  public func applyAdjoint(_ y: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    try base.applyAdjoint(y, Array(parameters.dropFirst())) * parameters[0].reshaped([]).to(y.dtype)
  }
  /// c times the base's pairing.
  public func pairing(_ y: Tensor, _ x: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    try base.pairing(y, x, Array(parameters.dropFirst())) * parameters[0].reshaped([]).to(x.dtype)
  }
  /// c times the base's matrix.
  public func matrix(like vector: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    try withoutGradients {
      try base.matrix(like: vector, Array(parameters.dropFirst())) * parameters[0].reshaped([]).to(vector.dtype)
    }
  }
}
