public import Torch

/// Solves directly where that is cheaper, else by LSMR.
///
/// A direct solve takes k = min(m, n) products to form the matrix and about 10·k²·max(m, n) multiplications to decompose it; LSMR
/// takes two products an iteration and, not knowing better, min(k, 100) iterations. The operator says what a product costs. Both
/// give the same minimiser to within LSMR's tolerances.
public struct AutomaticSolver: LeastSquaresSolver, Sendable {
  /// What solves large problems.
  public var iterative: LSMR
  /// The largest matrix, in elements, that is formed.
  public var largestMatrix: Int

  /// Makes a solver.
  public init(iterative: LSMR = LSMR(), largestMatrix: Int = 1 << 24) {
    self.iterative = iterative
    self.largestMatrix = largestMatrix
  }

  /// Whether an operator's problems are solved directly.
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

  /// Solves min ‖A·x − b‖² + δ²·‖x − x₀‖².
  public func solve(
    _ a: any LinearOperator, _ b: Tensor, damping: Double, from x0: Tensor?
  ) throws -> LeastSquaresSolution {
    try choice(a).solve(a, b, damping: damping, from: x0)
  }

  /// Prepares the solver of choice.
  public func prepare(_ a: any LinearOperator, like vector: Tensor) throws -> any PreparedLeastSquares {
    try choice(a).prepare(a, like: vector)
  }

  private func choice(_ a: any LinearOperator) -> any LeastSquaresSolver {
    solvesDirectly(a) ? DenseSolver() : iterative
  }
}

extension LeastSquaresSolver where Self == AutomaticSolver {
  /// A direct solver or LSMR, by cost.
  public static var automatic: AutomaticSolver { AutomaticSolver() }

  /// A direct solver or LSMR with a tolerance, by cost.
  public static func automatic(tolerance: Double) -> AutomaticSolver {
    AutomaticSolver(iterative: LSMR(tolerance: tolerance))
  }
}
