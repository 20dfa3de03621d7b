public import Torch

/// Solves directly if that is cheaper, and otherwise by LSMR.
///
/// For an m×n operator and k = min(m, n), a direct solve takes k products to form the matrix and about 10·k²·max(m, n) multiplications
/// to decompose it. LSMR takes two products in each iteration, and is assumed to take min(k, 100) iterations. `productCost` of the
/// operator says what a product costs. Both ways give the same minimiser to within the tolerances of LSMR.
public struct AutomaticSolver: LeastSquaresSolver, Sendable {
  /// The solver of large problems.
  public var iterative: LSMR
  /// The number of elements of the largest matrix that is formed; 2²⁴ by default.
  public var largestMatrix: Int

  /// Makes a solver.
  public init(iterative: LSMR = LSMR(), largestMatrix: Int = 1 << 24) {
    self.iterative = iterative
    self.largestMatrix = largestMatrix
  }

  /// Whether problems with an operator are solved directly.
  public func solvesDirectly(_ a: any LinearOperator) -> Bool {
    let (elements, overflows) = a.rows.multipliedReportingOverflow(by: a.columns)
    guard !overflows, elements <= largestMatrix else { return false }
    let (short, long) = (Double(min(a.rows, a.columns)), Double(max(a.rows, a.columns)))
    // Multiplications of a decomposition run about four times as fast as those of products with vectors, which wait for memory;
    // an iteration of LSMR has a fixed cost besides.
    let direct = short * a.productCost + 2.5 * short * short * long
    let iterative = 2 * min(short, 100) * (a.productCost + 50_000)
    return direct <= iterative
  }

  /// Solves min ‖A·x − b‖² + δ²·‖x − x₀‖² by the cheaper way.
  public func solve(
    _ a: any LinearOperator, _ b: Tensor, damping: Double, from x0: Tensor?
  ) throws -> LeastSquaresSolution {
    try choice(a).solve(a, b, damping: damping, from: x0)
  }

  /// Prepares the solver that is cheaper for the operator.
  public func prepare(_ a: any LinearOperator, like vector: Tensor) throws -> any PreparedLeastSquares {
    try choice(a).prepare(a, like: vector)
  }

  /// This solver with multipliers where it iterates; `nil` if its LSMR reorthogonalises, which excludes them.
  public var trackingMultipliers: (any LeastSquaresSolver)? {
    guard iterative.reorthogonalization == 0 else { return nil }
    var solver = self
    solver.iterative.tracksMultipliers = true
    return solver
  }

  private func choice(_ a: any LinearOperator) -> any LeastSquaresSolver {
    solvesDirectly(a) ? DenseSolver() : iterative
  }
}

extension LeastSquaresSolver where Self == AutomaticSolver {
  /// A direct solver or LSMR, whichever is cheaper.
  public static var automatic: AutomaticSolver { AutomaticSolver() }

  /// A direct solver or LSMR with a tolerance, whichever is cheaper.
  public static func automatic(tolerance: Double) -> AutomaticSolver {
    AutomaticSolver(iterative: LSMR(tolerance: tolerance))
  }
}
