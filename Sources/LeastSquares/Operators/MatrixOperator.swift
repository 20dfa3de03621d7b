internal import Files
public import Torch

/// A matrix as an operator, whose one parameter is the matrix.
public struct MatrixOperator: LinearOperator {
  /// The matrix `[rows, columns]`.
  public let matrix: Tensor
  /// The number of rows.
  public let rows: Int
  /// The number of columns.
  public let columns: Int

  /// Makes an operator of a matrix.
  ///
  /// - Precondition: the rank of the tensor is 2.
  public init(_ matrix: Tensor) {
    demand(matrix.rank == 2, "an operator needs a matrix, not a tensor of shape \(matrix.shape)")
    self.matrix = matrix
    (rows, columns) = (matrix.size(0), matrix.size(1))
  }

  /// The matrix.
  public var parameters: [Tensor] { [matrix] }

  /// A·x.
  ///
  /// - Throws: `LeastSquaresError` for a vector of another element type or on another device.
  public func apply(_ x: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    try product(parameters[0], x, transposed: false)
  }

  /// Aᵀ·y.
  ///
  /// - Throws: `LeastSquaresError` for a vector of another element type or on another device.
  public func applyAdjoint(_ y: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    try product(parameters[0], y, transposed: true)
  }

  private func product(_ matrix: Tensor, _ vector: Tensor, transposed: Bool) throws -> Tensor {
    try checkOperand(vector, ofMatrix: matrix)
    if isDifferentiated(vector, [matrix]) {
      return (transposed ? matrix.transposed() : matrix).matmul(vector)
    }
    return matrix.vectorProduct(vector, transposed: transposed)
  }

  /// The matrix itself, in its own element type and on its own device.
  public func matrix(like vector: Tensor, _ parameters: [Tensor]) throws -> Tensor { parameters[0].detached() }
}
