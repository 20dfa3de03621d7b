public import Torch

/// A matrix as an operator; its one parameter is the matrix.
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
    precondition(matrix.rank == 2, "an operator needs a matrix, not a tensor of shape \(matrix.shape)")
    self.matrix = matrix
    (rows, columns) = (matrix.size(0), matrix.size(1))
  }

  /// The matrix.
  public var parameters: [Tensor] { [matrix] }

  /// A·x.
  public func apply(_ x: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    isRecorded(x, parameters) ? parameters[0].matmul(x) : parameters[0].vectorProduct(x)
  }

  /// Aᵀ·y.
  public func applyAdjoint(_ y: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    isRecorded(y, parameters)
      ? parameters[0].transposed().matmul(y) : parameters[0].vectorProduct(y, transposed: true)
  }

  private func isRecorded(_ vector: Tensor, _ parameters: [Tensor]) -> Bool {
    gradientsAreRecorded && (vector.requiresGradient || parameters[0].requiresGradient)
  }

  /// The matrix itself.
  public func matrix(like vector: Tensor, _ parameters: [Tensor]) throws -> Tensor { parameters[0].detached() }
}
