internal import LeastSquares
internal import Torch

/// Projections onto a constraint at the parameters of one step, by its closed form or by least squares.
struct Projector {
  /// A projected vector, and a report of its projection.
  struct Outcome {
    /// v − M^½·LstSq(A·M^½, A·v + γ·c), in the tensors' shapes.
    let vector: [Tensor]
    let report: ProjectionReport
    /// λ with LstSq(…) = M^½·Aᵀ·λ, if the solver knows it; after a closed form those that were given.
    let multipliers: Tensor?
  }

  let constraint: any Constraint
  /// θ.
  let parameters: [Tensor]
  let solver: any LeastSquaresSolver
  /// δ.
  let damping: Double
  /// The number of the step, for errors.
  let step: Int
  /// c and A, recorded once for all projections of the step.
  private var linearization: ConstraintLinearization?

  init(
    _ constraint: any Constraint, at parameters: [Tensor], step: Int, solver: any LeastSquaresSolver, damping: Double
  ) {
    self.constraint = constraint
    self.parameters = parameters
    self.step = step
    self.solver = solver
    self.damping = damping
  }

  /// Projects a vector that is cut into tensors of the parameters' shapes.
  ///
  /// - Parameters:
  ///   - metric: returns the diagonal of M; `nil` for the identity. Not every closed form asks for it.
  ///   - rate: γ.
  ///   - multipliers: λ of a problem that this one may resemble.
  mutating func project(
    _ vector: [Tensor], metric: () -> [Tensor]? = { nil }, rate: Double, start multipliers: Tensor? = nil
  ) throws -> Outcome {
    if let closed = try constraint.projection(
      of: vector, at: parameters, preconditioner: metric, correctionRate: rate)
    {
      try check(closed.constraintNorm)
      return Outcome(
        vector: closed.update,
        report: report(closed.constraintNorm, closed.residualNorm, iterations: 0, stopReason: .direct),
        multipliers: multipliers)
    }
    let linearization = try linearization ?? constraint.linearization(at: parameters)
    self.linearization = linearization
    let violation = linearization.residual.norm()
    try check(violation)
    let (result, solution, found) = try solve(
      linearization, vector.asVector, root: metric().map { $0.asVector.sqrt() }, rate: rate, start: multipliers)
    return Outcome(
      vector: vector.parts(of: result),
      report: report(
        violation, solution.residual.norm(), iterations: solution.iterations, stopReason: solution.stopReason),
      multipliers: found)
  }

  private func check(_ violation: Double) throws {
    guard violation.isFinite else {
      throw ConstraintError("the constraint's violation became \(violation) at step \(step)")
    }
  }

  private func report(
    _ violation: Double, _ residualNorm: Double, iterations: Int, stopReason: StopReason
  ) -> ProjectionReport {
    ProjectionReport(
      constraintNorm: violation, residualNorm: residualNorm, iterations: iterations, stopReason: stopReason,
      measurements: constraint.measurements)
  }

  /// v − M^½·LstSq(A·M^½, A·v + γ·c) with `root` M^½, the solution, and its multipliers.
  private func solve(
    _ linearization: ConstraintLinearization, _ v: Tensor, root: Tensor?, rate: Double, start multipliers: Tensor?
  ) throws -> (result: Tensor, solution: LeastSquaresSolution, multipliers: Tensor?) {
    let a = linearization.jacobian
    guard a.columns == v.elementCount else {
      throw ConstraintError(
        "the constraint's Jacobian has \(a.columns) columns, and the parameters have \(v.elementCount) elements")
    }
    let target = try a.apply(v) + linearization.residual * rate
    let system: any LinearOperator = root.map { ComposedOperator(a, DiagonalOperator($0)) } ?? a
    let start = try startingPoint(system, target, multipliers)
    let solution = try solver.solve(system, target, damping: damping, from: start?.x)
    return (
      v - (root.map { $0 * solution.x } ?? solution.x), solution,
      solution.multipliers.map { found in start.map { $0.multipliers + found } ?? found }
    )
  }

  /// s·Aᵀ·λ with the s that brings A·(s·Aᵀ·λ) nearest to the right-hand side.
  ///
  /// It is in the range of Aᵀ, so that the solution from it is still the one of least norm, and it is no worse a start than 0.
  private func startingPoint(
    _ a: any LinearOperator, _ b: Tensor, _ multipliers: Tensor?
  ) throws -> (x: Tensor, multipliers: Tensor)? {
    guard let multipliers, multipliers.shape == b.shape, multipliers.dtype == b.dtype else { return nil }
    let x = try a.applyAdjoint(multipliers)
    let image = try a.apply(x)
    let scale = image.dot(b).item() / image.dot(image).item()
    guard scale.isFinite, scale != 0 else { return nil }
    return (x * scale, multipliers * scale)
  }
}
