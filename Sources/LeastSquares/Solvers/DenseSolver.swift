public import Torch

/// A direct solver, which forms the operator's matrix and takes its singular value decomposition A = U·diag(s)·Vᵀ.
///
/// The solution is x = V·diag(s/(s² + δ²))·Uᵀ·b. Singular values up to max(m, n)·ε of the largest count as 0. This gives the minimiser
/// of least norm for any rank, and the rank itself.
///
/// - Complexity: min(m, n) products, unless the operator is a matrix, O(m·n·min(m, n)) operations and memory for m·n elements.
public struct DenseSolver: LeastSquaresSolver, Sendable {
  /// Makes a solver; it has no settings.
  public init() {}

  /// Solves min ‖A·x − b‖² + δ²·‖x − x₀‖² by a decomposition.
  public func solve(
    _ a: any LinearOperator, _ b: Tensor, damping: Double, from x0: Tensor?
  ) throws -> LeastSquaresSolution {
    try checkProblem(a, b, damping: damping, from: x0)
    return try prepare(a, like: b).solve(b, damping: damping, from: x0)
  }

  /// Forms and decomposes the matrix, for solves with both A and Aᵀ.
  public func prepare(_ a: any LinearOperator, like vector: Tensor) throws -> any PreparedLeastSquares {
    try withoutGradients { try Decomposition(a, like: vector.detached()) }
  }
}

/// A = U·diag(s)·Vᵀ.
private struct Decomposition: PreparedLeastSquares {
  private let a: any LinearOperator
  private let matrix: Tensor
  private let u: Tensor
  private let s: Tensor
  private let vTransposed: Tensor
  private let spectrum: Spectrum

  init(_ a: any LinearOperator, like vector: Tensor) throws {
    self.a = a
    matrix = try checkedMatrix(a, like: vector)
    (u, s, vTransposed) = try matrix.singularValueDecomposition()
    spectrum = Spectrum(.decomposition(s.elements()), of: a, in: vector.dtype)
  }

  func solve(_ b: Tensor, damping: Double, from x0: Tensor?) throws -> LeastSquaresSolution {
    try checkProblem(a, b, damping: damping, from: x0)
    return try solve(
      MatrixOperator(matrix), u, vTransposed.transposed(), b.detached(), damping: damping, from: x0?.detached())
  }

  func solveAdjoint(_ g: Tensor, damping: Double) throws -> LeastSquaresSolution {
    try checkProblem(TransposedOperator(of: a), g, damping: damping, from: nil)
    return try solve(
      TransposedOperator(of: MatrixOperator(matrix)), vTransposed.transposed(), u, g.detached(), damping: damping,
      from: nil)
  }

  /// Solves with the decomposition L·diag(s)·Rᵀ of A or Aᵀ.
  private func solve(
    _ a: any LinearOperator, _ left: Tensor, _ right: Tensor, _ b: Tensor, damping: Double, from x0: Tensor?
  ) throws -> LeastSquaresSolution {
    try withoutGradients {
      let bNorm = try checkedNorm(b)
      let values = spectrum.singularValues
      let largest = values.first ?? 0
      let rank = spectrum.rank
      // Divided by the largest value, squares neither overflow nor vanish.
      let relativeDamping = largest > 0 ? damping / largest : 0
      let filters = values.enumerated().map { index, value in
        if index >= rank { return 0.0 }
        let relative = value / largest
        return relative / (relative * relative + relativeDamping * relativeDamping) / largest
      }
      let filter = Tensor(filters).to(b.dtype).to(b.device)
      let target = try x0.map { b - (try a.apply($0)) } ?? b
      let step = right.matmul(filter * left.transposed().matmul(target))
      let x = x0.map { $0 + step } ?? step
      let check = try Residuals(a, b, x, damping: damping, from: x0)
      let frobenius = values.reduce(0) { hypotenuse($0, $1) }
      let operatorNorm = hypotenuse(frobenius, damping * Double(a.columns).squareRoot())
      let xNorm = x.norm()
      guard xNorm.isFinite, check.residualNorm.isFinite else {
        throw LeastSquaresError("the solution left the range of \(b.dtype); scale the problem or use float64")
      }
      let smallest = rank > 0 ? values[rank - 1] : 0
      let rounding = 100 * b.dtype.ulpOfOne * (frobenius * xNorm + bNorm)
      return LeastSquaresSolution(
        x: x, residual: check.residual, stopReason: .direct, iterations: 0, residualNorm: check.residualNorm,
        normalResidualNorm: check.normalResidualNorm, damping: damping, operatorNorm: operatorNorm,
        condition: rank > 0 ? hypotenuse(largest, damping) / hypotenuse(smallest, damping) : 1,
        isConsistent: damping == 0 && (rank == a.rows || check.residualNorm <= rounding), spectrum: spectrum,
        recurrences: nil, multipliers: nil)
    }
  }
}
