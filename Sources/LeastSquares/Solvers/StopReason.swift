/// Why a solver stopped.
///
/// In these descriptions A and b include the rows of damping. The raw values from 0 to 7 are the codes `istop` of SciPy's `lsmr`.
public enum StopReason: Int, Sendable, CaseIterable, Codable {
  /// The starting point solves the problem: b = A·x₀, or Aᵀ·(b − A·x₀) = 0 as for A = 0.
  case startIsSolution = 0
  /// ‖b − A·x‖ is within the tolerances: the system is consistent, and x solves it.
  case residualTolerance = 1
  /// ‖Aᵀ·(b − A·x)‖ is within the tolerance: x is a least-squares solution.
  case leastSquaresTolerance = 2
  /// The estimate of the condition number exceeded its limit: the system is ill-conditioned.
  case conditionLimit = 3
  /// `residualTolerance` at the precision of the element type.
  case residualPrecision = 4
  /// `leastSquaresTolerance` at the precision of the element type.
  case leastSquaresPrecision = 5
  /// `conditionLimit` at the precision of the element type.
  case conditionPrecision = 6
  /// The limit of iterations was reached before the tolerances.
  case iterationLimit = 7
  /// The recurrences reported convergence, but the residual computed from x is too large: rounding errors dominate.
  case stalled = 8
  /// The solution was computed directly, from a decomposition.
  case direct = 9

  /// Whether x is a solution to within the tolerances of the solver.
  public var isConverged: Bool {
    switch self {
    case .startIsSolution, .residualTolerance, .leastSquaresTolerance, .residualPrecision, .leastSquaresPrecision,
      .direct:
      true
    case .conditionLimit, .conditionPrecision, .iterationLimit, .stalled: false
    }
  }

  /// One sentence: what happened, and what to do about it.
  public var explanation: String {
    switch self {
    case .startIsSolution: "the starting point solves the problem"
    case .residualTolerance: "the residual is within the tolerances"
    case .leastSquaresTolerance: "the residual is orthogonal to the range of the operator, within the tolerance"
    case .conditionLimit:
      "the condition estimate exceeded its limit; add damping, precondition, or raise the limit"
    case .residualPrecision: "the residual is as small as the precision allows"
    case .leastSquaresPrecision: "the residual is as orthogonal to the range of the operator as the precision allows"
    case .conditionPrecision:
      "the operator is singular to working precision; add damping, or use float64"
    case .iterationLimit: "the limit of iterations was reached; raise it, precondition, or add damping"
    case .stalled:
      "the residual is larger than its recurrence says; ask for a coarser tolerance, add damping, reorthogonalise, or use "
        + "float64"
    case .direct: "the solution was computed directly"
    }
  }
}
