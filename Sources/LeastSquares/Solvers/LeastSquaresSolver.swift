public import Torch

/// A method for min ‖A·x − b‖² + δ²·‖x − x₀‖².
///
/// Of several minimisers, which there are only for δ = 0, it returns the one nearest to x₀: without x₀ the one of least norm.
public protocol LeastSquaresSolver {
  /// Solves one problem. Nothing is recorded; `leastSquares(_:_:damping:from:solver:)` is differentiable.
  ///
  /// - Parameters:
  ///   - a: the operator A.
  ///   - b: the right-hand side, a vector `[a.rows]` of `float32` or `float64`, which is what the solver computes in.
  ///   - damping: δ ≥ 0.
  ///   - x0: the starting point `[a.columns]`; zeros by default.
  /// - Returns: the solution and why the solver stopped, also if it stopped early.
  /// - Throws: `LeastSquaresError` for shapes that do not fit, numbers that are not finite, and products that are not;
  ///   what the operator throws.
  func solve(
    _ a: any LinearOperator, _ b: Tensor, damping: Double, from x0: Tensor?
  ) throws -> LeastSquaresSolution

  /// Does what several solves with A and Aᵀ have in common, such as a decomposition; by default nothing.
  ///
  /// - Parameters:
  ///   - a: the operator.
  ///   - vector: a tensor of the element type and on the device that right-hand sides will have.
  func prepare(_ a: any LinearOperator, like vector: Tensor) throws -> any PreparedLeastSquares
}

/// An operator that is ready to be solved with.
public protocol PreparedLeastSquares {
  /// Solves min ‖A·x − b‖² + δ²·‖x − x₀‖².
  func solve(_ b: Tensor, damping: Double, from x0: Tensor?) throws -> LeastSquaresSolution

  /// Solves min ‖Aᵀ·y − g‖² + δ²·‖y‖².
  func solveAdjoint(_ g: Tensor, damping: Double) throws -> LeastSquaresSolution
}

extension LeastSquaresSolver {
  /// Solves without damping or from zeros.
  public func solve(_ a: any LinearOperator, _ b: Tensor, damping: Double = 0) throws -> LeastSquaresSolution {
    try solve(a, b, damping: damping, from: nil)
  }

  /// Prepares nothing.
  public func prepare(_ a: any LinearOperator, like vector: Tensor) throws -> any PreparedLeastSquares {
    UnpreparedLeastSquares(solver: self, a: a)
  }
}

/// A solver that has nothing to prepare.
private struct UnpreparedLeastSquares: PreparedLeastSquares {
  let solver: any LeastSquaresSolver
  let a: any LinearOperator

  func solve(_ b: Tensor, damping: Double, from x0: Tensor?) throws -> LeastSquaresSolution {
    try solver.solve(a, b, damping: damping, from: x0)
  }

  func solveAdjoint(_ g: Tensor, damping: Double) throws -> LeastSquaresSolution {
    try solver.solve(TransposedOperator(of: a), g, damping: damping, from: nil)
  }
}

/// Checks what users supply, once, at the door.
func checkProblem(_ a: any LinearOperator, _ b: Tensor, damping: Double, from x0: Tensor?) throws {
  guard b.dtype == .float32 || b.dtype == .float64 else {
    throw LeastSquaresError(
      "least squares are solved in float32 or float64, not \(b.dtype); convert the right-hand side")
  }
  guard b.shape == [a.rows] else {
    throw LeastSquaresError(
      "the right-hand side has the shape \(b.shape), but the operator has \(a.rows) rows and needs [\(a.rows)]")
  }
  guard damping >= 0, damping.isFinite else {
    throw LeastSquaresError("the damping must be a finite number of at least 0, not \(damping)")
  }
  if let x0 {
    guard x0.shape == [a.columns], x0.dtype == b.dtype, x0.device == b.device else {
      throw LeastSquaresError(
        "the starting point is \(x0.dtype)\(x0.shape) on \(x0.device), but the problem needs \(b.dtype)[\(a.columns)] on "
          + "\(b.device)")
    }
    guard x0.norm().isFinite else {
      throw LeastSquaresError("the starting point has elements that are not finite")
    }
  }
}

/// ‖b‖, which must be finite.
func checkedNorm(_ b: Tensor) throws -> Double {
  let norm = b.norm()
  guard norm.isFinite else { throw LeastSquaresError("the right-hand side has elements that are not finite") }
  return norm
}

/// A product that a user's operator returned, of the shape, element type and device that were due.
func checkedProduct(_ product: Tensor, _ shape: [Int], like b: Tensor) throws -> Tensor {
  guard product.shape == shape, product.dtype == b.dtype, product.device == b.device else {
    throw LeastSquaresError(
      "a product of the operator is \(product.dtype)\(product.shape) on \(product.device), not \(b.dtype)\(shape) on "
        + "\(b.device)")
  }
  return product.contiguous()
}

/// The matrix of a user's operator, of the shape, element type and device that were due, and finite.
func checkedMatrix(_ a: any LinearOperator, like b: Tensor) throws -> Tensor {
  let matrix = try a.matrix(like: b, a.parameters).detached()
  guard matrix.shape == [a.rows, a.columns], matrix.dtype == b.dtype, matrix.device == b.device else {
    throw LeastSquaresError(
      "the operator's matrix is \(matrix.dtype)\(matrix.shape) on \(matrix.device), not \(b.dtype)[\(a.rows), "
        + "\(a.columns)] on \(b.device)")
  }
  guard matrix.allFinite else { throw LeastSquaresError("the operator's matrix has elements that are not finite") }
  return matrix
}
