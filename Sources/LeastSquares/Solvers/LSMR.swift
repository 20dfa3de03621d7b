public import Torch

/// LSMR, the iterative least-squares solver of Fong & Saunders, which needs only products with A and Aᵀ.
///
/// It is equivalent to MINRES on the normal equations. ‖Aᵀ·r‖ therefore falls monotonically, and stopping early is safe. The stopping
/// rules and their codes are those of SciPy's `lsmr`, with these differences:
///
/// - The limit of iterations is 10·min(m, n), not min(m, n).
/// - For b = 0 a starting point is used, not ignored.
/// - The estimate of the condition number does not depend on the magnitude of the operator.
/// - A claim of convergence is checked against the residual of x, which is computed again.
///
/// - **Cost** of an iteration: a product with A, one with Aᵀ, and memory traffic of 3·rows + 10·columns elements. A solve also takes
///   these two products for the starting vector, and for the residuals, which `checksSolution` can leave out. Memory: 2 vectors of
///   `rows` and 6 of `columns`.
/// - **Precision**: the scalars of the recurrences are in double precision, and vectors have the right-hand side's element type.
///
/// D. C.-L. Fong & M. A. Saunders (2011), *LSMR: An iterative algorithm for sparse least-squares problems*, SIAM J. Sci. Comput.
/// 33(5), arXiv 1006.0758.
public struct LSMR: LeastSquaresSolver, Sendable {
  /// The tolerated relative error of the operator: iterations end when ‖Āᵀ·r‖ ≤ atol·‖Ā‖·‖r‖, with Ā = (A; δI).
  public var atol: Double
  /// The tolerated relative error of the right-hand side: iterations also end when ‖r‖ ≤ btol·‖b‖ + atol·‖Ā‖·‖x‖.
  public var btol: Double
  /// The estimated condition number at which iterations end; 0 for no limit.
  public var conditionLimit: Double
  /// The largest number of iterations; `nil`, the default, means 10·min(rows, columns).
  public var iterationLimit: Int?
  /// The number of latest right vectors against which each new one is orthogonalised; 0 by default.
  ///
  /// In an ill-conditioned problem the vectors lose orthogonality through rounding errors, and the solve takes more iterations. Each of
  /// these vectors costs memory of `columns` elements, and two passes through it in each iteration.
  public var reorthogonalization: Int
  /// Whether solutions contain their Lagrange multipliers.
  ///
  /// These cost memory of four vectors of `rows` elements, and a pass through them in each iteration. They are not possible with
  /// `reorthogonalization`.
  public var tracksMultipliers: Bool
  /// Whether the residuals of a solution are computed from x at the end.
  ///
  /// That costs two products in a solve, which matters if iterations are few. If `false`, r is updated together with x, which costs
  /// memory of three vectors of `rows` elements and three passes through them in each iteration. ‖Āᵀ·r‖ is then that of the
  /// recurrences, and a claim of convergence is not checked.
  public var checksSolution: Bool

  /// Makes a solver, with the tolerances of SciPy by default.
  public init(
    atol: Double = 1e-6, btol: Double = 1e-6, conditionLimit: Double = 1e8, iterationLimit: Int? = nil,
    reorthogonalization: Int = 0, tracksMultipliers: Bool = false, checksSolution: Bool = true
  ) {
    self.atol = atol
    self.btol = btol
    self.conditionLimit = conditionLimit
    self.iterationLimit = iterationLimit
    self.reorthogonalization = reorthogonalization
    self.tracksMultipliers = tracksMultipliers
    self.checksSolution = checksSolution
  }

  /// Makes a solver with one tolerance for operator and right-hand side, and without a limit of the condition number.
  public init(tolerance: Double, iterationLimit: Int? = nil, checksSolution: Bool = true) {
    self.init(
      atol: tolerance, btol: tolerance, conditionLimit: 0, iterationLimit: iterationLimit,
      checksSolution: checksSolution)
  }

  /// This solver with `tracksMultipliers`; `nil` under reorthogonalisation, which excludes them.
  public var trackingMultipliers: (any LeastSquaresSolver)? {
    guard reorthogonalization == 0 else { return nil }
    var solver = self
    solver.tracksMultipliers = true
    return solver
  }

  /// Solves min ‖A·x − b‖² + δ²·‖x − x₀‖² by iterations.
  public func solve(
    _ a: any LinearOperator, _ b: Tensor, damping: Double, from x0: Tensor?
  ) throws -> LeastSquaresSolution {
    try checkProblem(a, b, damping: damping, from: x0)
    try checkSettings()
    return try withoutGradients {
      var run = try LSMRRun(self, a, b.detached().contiguous(), damping, x0?.detached().contiguous())
      try run.iterate()
      return try run.solution()
    }
  }

  /// Solves min ‖A·x − b‖² + δ²·‖x − x₀‖² with a diagonal scaling M of the columns, x = x₀ + M·z.
  ///
  /// If M brings the columns of A·M to similar norms, the solve takes fewer iterations. A unique minimiser does not depend on M. Of
  /// several minimisers, the one that minimises ‖M⁻¹·(x − x₀)‖ is returned, so that M also chooses the metric. The tolerances, the
  /// estimates of norm and condition, and the spectrum are those of the scaled system with its rows of damping. The residual norms
  /// are those of the original system, and always computed from x.
  ///
  /// For gradients use x = M·z, with z from `leastSquares` of `ComposedOperator(a, DiagonalOperator(m))`.
  ///
  /// - Parameters:
  ///   - a: the operator A.
  ///   - b: the right-hand side `[a.rows]`.
  ///   - damping: δ ≥ 0.
  ///   - x0: the starting point `[a.columns]`; zeros by default.
  ///   - m: the diagonal of M `[a.columns]`, positive.
  /// - Throws: `LeastSquaresError` for input that does not fit or is not finite, and the errors of the operator.
  public func solve(
    _ a: any LinearOperator, _ b: Tensor, damping: Double = 0, from x0: Tensor? = nil, columnScaling m: Tensor
  ) throws -> LeastSquaresSolution {
    try checkProblem(a, b, damping: damping, from: x0)
    guard m.shape == [a.columns], m.dtype == b.dtype, m.device == b.device else {
      throw LeastSquaresError(
        "the column scaling is \(m.dtype)\(m.shape) on \(m.device), but the problem needs \(b.dtype)[\(a.columns)] on \(b.device)"
      )
    }
    guard m.allFinite, (m .> 0).all() else { throw LeastSquaresError("the column scaling must be positive and finite") }
    return try withoutGradients {
      var system: any LinearOperator = ComposedOperator(a, DiagonalOperator(m))
      var target = try x0.map { b - (try a.apply($0)) } ?? b
      if damping > 0 {
        // The penalty is on x, not on z.
        system = StackedOperator([system, DiagonalOperator(m * damping)])
        target = Tensor.concatenate([target, Tensor.zeros(like: m)])
      }
      let scaled = try solve(system, target, damping: 0, from: nil)
      let step = m * scaled.x
      let x = x0.map { $0 + step } ?? step
      let check = try Residuals(a, b, x, damping: damping, from: x0)
      return LeastSquaresSolution(
        x: x, residual: check.residual, stopReason: scaled.stopReason, iterations: scaled.iterations,
        residualNorm: check.residualNorm, normalResidualNorm: check.normalResidualNorm,
        damping: damping,
        operatorNorm: scaled.operatorNorm, condition: scaled.condition,
        isConsistent: damping == 0 && scaled.isConsistent, spectrum: scaled.spectrum, recurrences: scaled.recurrences,
        multipliers: nil)
    }
  }

  private func checkSettings() throws {
    for (name, value) in [("atol", atol), ("btol", btol), ("the condition limit", conditionLimit)]
    where !(value >= 0 && value.isFinite) {
      throw LeastSquaresError("\(name) must be a finite number of at least 0, not \(value)")
    }
    if let iterationLimit, iterationLimit < 0 {
      throw LeastSquaresError("the limit of iterations must be at least 0, not \(iterationLimit)")
    }
    guard reorthogonalization >= 0 else {
      throw LeastSquaresError("reorthogonalization counts vectors and is at least 0, not \(reorthogonalization)")
    }
    guard !tracksMultipliers || reorthogonalization == 0 else {
      throw LeastSquaresError("multipliers are not known under reorthogonalization; leave one of them out")
    }
  }
}

/// The residual of an x, and its norms.
struct Residuals {
  let residual: Tensor
  let residualNorm: Double
  let normalResidualNorm: Double

  /// Takes the residual that the iterations have updated.
  init(carried residual: Tensor, _ x: Tensor, damping: Double, from x0: Tensor?, normalResidualNorm: Double) {
    let penalty = damping == 0 ? 0 : damping * (x0.map { x - $0 } ?? x).norm()
    self.residual = residual
    self.normalResidualNorm = normalResidualNorm
    residualNorm = hypotenuse(residual.norm(), penalty)
  }

  /// Computes the residual and the norms from x, by one product with A and one with Aᵀ.
  init(_ a: any LinearOperator, _ b: Tensor, _ x: Tensor, damping: Double, from x0: Tensor?) throws {
    var residual = try checkedProduct(a.apply(x), [a.rows], like: b)
    let norm = residual.combine(1, b, -1)
    self.residual = residual
    let penalty = damping == 0 ? nil : (x0.map { x - $0 } ?? x) * damping
    residualNorm = hypotenuse(norm, penalty?.norm() ?? 0)
    // The residual is divided by its norm, so that the product stays within range for operators of any magnitude.
    let scale = residualNorm > 0 ? residualNorm : 1
    var normal = try checkedProduct(a.applyAdjoint(residual / scale), [a.columns], like: b)
    normalResidualNorm =
      scale * (penalty.map { normal.combine(-damping / scale, $0, 1) } ?? normal.norm())
  }
}

/// √(a² + b²) without overflow.
func hypotenuse(_ a: Double, _ b: Double) -> Double {
  let (large, small) = (max(a.magnitude, b.magnitude), min(a.magnitude, b.magnitude))
  guard large > 0, large.isFinite else { return large }
  return large * (1 + (small / large) * (small / large)).squareRoot()
}
