internal import Files
public import Torch

/// A diagonal matrix, whose one parameter is the diagonal.
public struct DiagonalOperator: LinearOperator {
  private let diagonal: Tensor

  /// Makes an operator that multiplies elementwise by a vector.
  ///
  /// - Precondition: the rank of the tensor is 1.
  public init(_ diagonal: Tensor) {
    demand(diagonal.rank == 1, "a diagonal is a vector, not a tensor of shape \(diagonal.shape)")
    self.diagonal = diagonal
  }

  /// The length of the diagonal.
  public var rows: Int { diagonal.elementCount }
  /// The length of the diagonal.
  public var columns: Int { diagonal.elementCount }
  /// The diagonal.
  public var parameters: [Tensor] { [diagonal] }
  /// The length of the diagonal.
  public var productCost: Double { Double(rows) }
  /// d·x, elementwise.
  public func apply(_ x: Tensor, _ parameters: [Tensor]) throws -> Tensor { parameters[0] * x }
  /// d·y, elementwise.
  public func applyAdjoint(_ y: Tensor, _ parameters: [Tensor]) throws -> Tensor { parameters[0] * y }
}
