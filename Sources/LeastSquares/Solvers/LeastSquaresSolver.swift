public import Torch

/// A method for min ‖A·x − b‖² + δ²·‖x − x₀‖².
///
/// With δ = 0 there may be several minimisers. The one nearest to x₀ is returned, or without x₀ the one of least norm.
public protocol LeastSquaresSolver {
  /// Solves one problem. The solution is not recorded; for gradients use `leastSquares(_:_:damping:from:solver:)`.
  ///
  /// - Parameters:
  ///   - a: the operator A.
  ///   - b: the right-hand side, a vector `[a.rows]` of `float32` or `float64`; the solver computes in its element type.
  ///   - damping: δ ≥ 0.
  ///   - x0: the starting point `[a.columns]`; zeros by default.
  /// - Returns: the solution with the reason why the solver stopped, also if it stopped early.
  /// - Throws: `LeastSquaresError` for shapes that do not fit, and for input or products that are not finite; the errors of the
  ///   operator.
  func solve(
    _ a: any LinearOperator, _ b: Tensor, damping: Double, from x0: Tensor?
  ) throws -> LeastSquaresSolution

  /// Does the common work of several solves with A and Aᵀ, such as a decomposition; by default there is none.
  ///
  /// - Parameters:
  ///   - a: the operator A.
  ///   - vector: a tensor with the element type and the device of the right-hand sides.
  /// - Throws: `LeastSquaresError` for an operator that does not fit, and the errors of the operator.
  func prepare(_ a: any LinearOperator, like vector: Tensor) throws -> any PreparedLeastSquares

  /// This solver with Lagrange multipliers in its solutions where it iterates, for warm starts; `nil`, the default, if it cannot know
  /// them.
  var trackingMultipliers: (any LeastSquaresSolver)? { get }
}

/// An operator that is prepared for several solves.
public protocol PreparedLeastSquares {
  /// Solves min ‖A·x − b‖² + δ²·‖x − x₀‖²; without x₀ from zeros.
  func solve(_ b: Tensor, damping: Double, from x0: Tensor?) throws -> LeastSquaresSolution

  /// Solves min ‖Aᵀ·y − g‖² + δ²·‖y‖².
  func solveAdjoint(_ g: Tensor, damping: Double) throws -> LeastSquaresSolution
}

extension LeastSquaresSolver {
  /// Solves min ‖A·x − b‖² + δ²·‖x‖², without damping by default.
  public func solve(_ a: any LinearOperator, _ b: Tensor, damping: Double = 0) throws -> LeastSquaresSolution {
    try solve(a, b, damping: damping, from: nil)
  }

  /// The operator as it is, for a solver without common work.
  public func prepare(_ a: any LinearOperator, like vector: Tensor) throws -> any PreparedLeastSquares {
    UnpreparedLeastSquares(solver: self, a: a)
  }

  /// `nil`: this solver does not know multipliers.
  public var trackingMultipliers: (any LeastSquaresSolver)? { nil }
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

/// Checks the input of a solve.
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

/// A product of a user's operator, checked for its shape, element type and device.
func checkedProduct(_ product: Tensor, _ shape: [Int], like b: Tensor) throws -> Tensor {
  guard product.shape == shape, product.dtype == b.dtype, product.device == b.device else {
    throw LeastSquaresError(
      "a product of the operator is \(product.dtype)\(product.shape) on \(product.device), not \(b.dtype)\(shape) on "
        + "\(b.device)")
  }
  return product.contiguous()
}

/// The matrix of a user's operator, checked for its shape, element type, device and finite elements.
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
