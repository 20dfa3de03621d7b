public import Torch

/// A damping that was chosen from the data.
public struct DampingChoice: Sendable, Equatable {
  /// δ, as chosen.
  public let damping: Double
  /// ‖b − A·x_δ‖ of the projected problem.
  public let residualNorm: Double
  /// Σ σᵢ²/(σᵢ² + δ²), about the number of components of x that the data determine; `nil` if the rule does not need it.
  public let degreesOfFreedom: Double?
  /// The number of products with A, and of those with Aᵀ, for each starting vector; 0 for a decomposition.
  public let steps: Int
  /// Whether δ no longer changed, or the spaces were complete, before the limit of steps.
  public let isSettled: Bool

  /// The reasons not to trust the choice; empty if there are none.
  public var warnings: [LeastSquaresWarning] { isSettled ? [] : [.dampingNotSettled(steps: steps)] }
}

/// Chooses the damping δ of min ‖A·x − b‖² + δ²·‖x‖² from the data.
///
/// Problems that `AutomaticSolver` would solve directly are decomposed. For others, ‖b − A·x_δ‖ comes from the problem projected onto
/// the Krylov space of Golub & Kahan's bidiagonalisation from b. The degrees of freedom are a trace, and are estimated as the mean over
/// three spaces from random signs (G. H. Golub & U. von Matt 1997, *Generalized cross-validation for large-scale problems*; M. F.
/// Hutchinson 1990). The space of b itself cannot give them, because a Krylov space represents many singular values of similar size by
/// few. The spaces grow until δ no longer changes.
///
/// ```swift
/// let choice = try chooseDamping(a, b, by: .generalizedCrossValidation)
/// let x = try leastSquares(a, b, damping: choice.damping).x
/// ```
///
/// - Parameters:
///   - a: the operator A.
///   - b: the right-hand side `[a.rows]`, `float32` or `float64`.
///   - rule: the rule that determines δ.
///   - stepLimit: the largest dimension of a space.
///   - seed: the seed of the random signs.
/// - Throws: `LeastSquaresError` if b is 0 or not finite, or if no δ has the wanted discrepancy, with the range that
///   can be had; the errors of the operator.
/// - Complexity: a product with A and one with Aᵀ in each step, and memory for one vector of `a.columns` for each step. Generalized
///   cross-validation takes four times as much.
public func chooseDamping(
  _ a: any LinearOperator, _ b: Tensor, by rule: DampingRule, stepLimit: Int = 100, seed: UInt64 = 0
) throws -> DampingChoice {
  try checkProblem(a, b, damping: 0, from: nil)
  guard stepLimit > 0 else { throw LeastSquaresError("choosing a damping takes at least one step, not \(stepLimit)") }
  return try withoutGradients {
    let b = b.detached()
    let norm = try checkedNorm(b)
    if case .discrepancy(let noise) = rule {
      guard noise > 0, noise < norm else {
        throw LeastSquaresError(
          "the norm of the noise must be positive and below that of the right-hand side, \(norm), not \(noise)")
      }
    }
    if AutomaticSolver().solvesDirectly(a) {
      let problem = try DampingProblem(decomposing: a, b)
      guard problem.largest > 0, norm > 0 else { throw nothingToChoose }
      guard let chosen = problem.choose(rule) else { throw unattainable(problem) }
      return choice(of: chosen, steps: 0, isSettled: true)
    }
    return try chooseIteratively(a, b, rule, stepLimit: stepLimit, seed: seed)
  }
}

private func chooseIteratively(
  _ a: any LinearOperator, _ b: Tensor, _ rule: DampingRule, stepLimit: Int, seed: UInt64
) throws -> DampingChoice {
  var process = try GolubKahan(a, from: b)
  guard !process.isExhausted else { throw nothingToChoose }
  var probes: [GolubKahan] = []
  if rule == .generalizedCrossValidation {
    var generator = RandomGenerator(seed: seed, purpose: .probes)
    for _ in 0..<3 {
      probes.append(try GolubKahan(a, from: generator.signs([a.rows], dtype: b.dtype).to(b.device)))
    }
  }
  let limit = min(stepLimit, min(a.rows, a.columns))
  var (latest, settled, steps): (DampingProblem.Choice?, Int, Int) = (nil, 0, 0)
  var isExhausted = false
  var problem: DampingProblem?
  while !isExhausted, steps < limit, settled < 5 {
    try process.step()
    for index in probes.indices { try probes[index].step() }
    steps += 1
    isExhausted = process.isExhausted && probes.allSatisfy(\.isExhausted)
    let current = try DampingProblem(process, probes: probes, rows: a.rows)
    let next = current.choose(rule)
    problem = current
    if let next, let latest, (next.damping / latest.damping - 1).magnitude < 1e-3 { settled += 1 } else { settled = 0 }
    latest = next
  }
  guard let latest else {
    let isComplete = isExhausted || steps == min(a.rows, a.columns)
    throw problem.map { unattainable($0, steps: isComplete ? nil : steps) } ?? nothingToChoose
  }
  return choice(
    of: latest, steps: steps, isSettled: settled >= 5 || isExhausted || steps == min(a.rows, a.columns))
}

private func choice(of choice: DampingProblem.Choice, steps: Int, isSettled: Bool) -> DampingChoice {
  DampingChoice(
    damping: choice.damping, residualNorm: choice.residualNorm, degreesOfFreedom: choice.degreesOfFreedom, steps: steps,
    isSettled: isSettled)
}

private var nothingToChoose: LeastSquaresError {
  LeastSquaresError("no damping can be chosen: the right-hand side is 0 or orthogonal to the operator's range")
}

/// - Parameter steps: the number of steps, if more of them could lower the residual.
private func unattainable(_ problem: DampingProblem, steps: Int? = nil) -> LeastSquaresError {
  let (least, largest) = problem.residualRange
  return LeastSquaresError(
    "no damping makes the norm of the residual equal to that of the noise: it goes from \(least) without damping "
      + "up to \(largest), the norm of the right-hand side"
      + (steps.map { ", after \($0) steps; more steps may lower the former" } ?? ""))
}
