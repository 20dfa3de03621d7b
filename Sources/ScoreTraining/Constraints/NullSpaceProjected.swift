public import LeastSquares
public import Torch

/// An optimizer whose updates respect a constraint c(θ) = 0 to first order.
///
/// With A = ∂c/∂θ, the base optimizer's update Δθ becomes the nearest one that solves A·Δθ′ = −γ·c:
///
///     Δθ′ = Δθ − M^½·LstSq(A·M^½, A·Δθ + γ·c)
///
/// Its first part moves in the null space of A, where the constraint does not change; its second part is a Gauss–Newton step
/// towards c = 0. The projection comes last: what an optimizer does to a projected gradient, such as Adam's division by √v̂, would
/// leave the null space again. For M = I it is the null-space method of Roy, Hauberg & Krämer (2025), arXiv 2510.19634. By default
/// M is the base optimizer's own preconditioner, Adam's 1/(√v̂ + ε): the nearest update is then the one that costs the loss least, as
/// far as the optimizer knows.
///
/// M is kept within bounds: M⁻¹ = P⁻¹ + 10⁻⁴·rms(P⁻¹) for a preconditioner P, in units of its root mean square. A parameter that the
/// loss has never moved has P = 1/ε with Adam and would otherwise take all corrections, however far they push it.
///
/// - **Redundant** equations change nothing: of all solutions the nearest is taken, whatever the rank of A.
/// - **Inconsistent** ones, more than can hold at once, are solved in the least-squares sense: ‖A·Δθ′ + γ·c‖ is as small as possible
///   and `projectionReport` tells it. If A has full column rank, that leaves the loss nothing to decide; a solver that stops early, or
///   damping, does.
/// - **A feasible point** with an update that is tangent already is left as it is.
/// - **Stopping early** is no error: the update is used and the reason reported. What a step leaves of the violation, later ones take.
/// - **Several constraints** that are to hold together are one with a longer residual. A projection of a projection holds the outer
///   constraint alone.
///
/// - Cost of a projected step: c, its record, and two products for each iteration of the solver, for a network about two
///   gradients each. Memory of the record and of about ten vectors of the parameters' size, whatever the number of iterations;
///   with a closed form that of the constraint.
public struct NullSpaceProjected<Base: Optimizer>: Optimizer {
  /// What nearness of updates is measured by.
  public enum Metric: String, Codable, Hashable, Sendable, CaseIterable {
    /// M is the base optimizer's preconditioner.
    case preconditioner
    /// M = I.
    case identity
  }

  /// The rule that makes the updates.
  public private(set) var base: Base
  /// What they respect.
  public private(set) var constraint: any Constraint
  /// The metric.
  public let metric: Metric
  /// What solves the least-squares problems.
  public let solver: any LeastSquaresSolver
  /// δ: the problems become min ‖A·M^½·z − b‖² + δ²·‖z‖², which leaves the loss a say where the constraint is weak.
  public let damping: Double
  /// γ, the fraction of the violation that a step takes away, to first order.
  public let correctionRate: Double
  /// γ of the gradients that the base optimizer sees, g − LstSq(A, A·g − γ·c); `nil` leaves them as they are.
  public let gradientCorrectionRate: Double?
  /// The steps from one projection to the next.
  public let interval: Int
  /// The number of steps before the first projection.
  public let warmupSteps: Int
  /// The same for the gradients that the base optimizer sees.
  public let gradientWarmupSteps: Int
  /// Whether a solve starts from the multipliers of the last one.
  public let warmStart: Bool
  /// What the last step did about the constraint; `nil` if it was not projected.
  public private(set) var projectionReport: ProjectionReport?

  private var step = 0
  private var multipliers: Tensor?

  /// Wraps an optimizer.
  ///
  /// - Parameters:
  ///   - base: the rule that makes the updates.
  ///   - constraint: what they respect.
  ///   - metric: what nearness is measured by.
  ///   - solver: what solves the least-squares problems; with a closed form it is not used.
  ///   - damping: δ.
  ///   - correctionRate: γ. 1 is a full Gauss–Newton step; 0 keeps the violation as it is. A constraint with a schedule of its own
  ///     has its own rate.
  ///   - gradientCorrectionRate: with a number, gradients are projected too, before the base optimizer sees them, and pull towards
  ///     c = 0 at that rate. What the projection takes from every gradient anew otherwise fills Adam's running means and sets the
  ///     size of its steps, and where the constraint opposes the loss, little is left for what is free. It costs a second solve.
  ///   - interval: the steps from one projection to the next; those between are the base optimizer's.
  ///   - warmupSteps: the number of steps before the first projection of an update; 0 projects the first. Full corrections from the
  ///     start can fall into the nearest point where the constraint holds for no good reason, such as a constant function.
  ///   - gradientWarmupSteps: the same for gradients; the warm-up of updates by default. Gradients that pull first, and projected
  ///     updates later, lead gently.
  ///   - warmStart: whether a solve starts from Aᵀ·λ, with λ the multipliers of the last one: the answer is the same, and fewer
  ///     iterations find it where steps resemble each other, at a cost of three products. It needs a solver that knows
  ///     multipliers, `LSMR` or the automatic one, and the same equations in each step.
  /// - Precondition: δ and both γ are at least 0 and finite, the interval is positive, and a warm start has no damping, of which
  ///   it would change the meaning.
  public init(
    _ base: Base, constraint: any Constraint, metric: Metric = .preconditioner,
    solver: any LeastSquaresSolver = LSMR(tolerance: 1e-6, iterationLimit: 30),
    damping: Double = 0, correctionRate: Double = 0.5, gradientCorrectionRate: Double? = nil, interval: Int = 1,
    warmupSteps: Int = 0, gradientWarmupSteps: Int? = nil, warmStart: Bool = false
  ) {
    precondition(damping >= 0 && damping.isFinite, "the damping must be at least 0 and finite, not \(damping)")
    precondition(
      correctionRate >= 0 && correctionRate.isFinite,
      "the correction rate must be at least 0 and finite, not \(correctionRate)")
    precondition(
      gradientCorrectionRate.map { $0 >= 0 && $0.isFinite } ?? true,
      "the gradients' correction rate must be at least 0 and finite, not \(gradientCorrectionRate ?? 0)")
    precondition(interval > 0, "projections need a positive interval, not \(interval)")
    precondition(
      warmupSteps >= 0 && gradientWarmupSteps ?? 0 >= 0,
      "a warm-up takes at least 0 steps, not \(warmupSteps) and \(gradientWarmupSteps ?? 0)")
    precondition(!warmStart || damping == 0, "a warm start goes without damping, not with \(damping)")
    self.base = base
    self.constraint = constraint
    self.metric = metric
    self.solver = warmStart ? solver.trackingMultipliers ?? solver : solver
    precondition(
      !warmStart || solver.trackingMultipliers != nil,
      "a warm start needs a solver that tracks multipliers, LSMR without reorthogonalization or the automatic one")
    self.damping = damping
    self.correctionRate = correctionRate
    self.gradientCorrectionRate = gradientCorrectionRate
    self.interval = interval
    self.warmupSteps = warmupSteps
    self.gradientWarmupSteps = gradientWarmupSteps ?? warmupSteps
    self.warmStart = warmStart
  }

  // MARK: Updates

  /// That of the base optimizer.
  public var learningRate: Double {
    get { base.learningRate }
    set { base.learningRate = newValue }
  }

  /// That of the base optimizer.
  public var preconditioner: [Tensor]? { base.preconditioner }

  /// The base optimizer's updates, projected.
  ///
  /// - Throws: `ConstraintError` for a violation that is not finite, `LeastSquaresError`, and what the base optimizer and the
  ///   constraint throw; the optimizer is then as it was.
  public mutating func updates(for gradients: [Tensor], at parameters: [Tensor]) throws -> [Tensor] {
    var next = self
    let updates = try withoutGradients { try next.advance(gradients, parameters.map { $0.detached() }) }
    self = next
    return updates
  }

  private mutating func advance(_ gradients: [Tensor], _ parameters: [Tensor]) throws -> [Tensor] {
    step += 1
    projectionReport = nil
    let projectsUpdate = constraint.correctionRate != nil || isDue(after: warmupSteps)
    let gradientRate = isDue(after: gradientWarmupSteps) ? gradientCorrectionRate : nil
    guard projectsUpdate || gradientRate != nil else { return try base.updates(for: gradients, at: parameters) }
    try constraint.prepare(step: step, at: parameters)
    var projector: Projector?
    var seen = gradients
    if let gradientRate {
      seen = try project(
        gradients.map { -$0 }, at: parameters, by: &projector, metric: { nil }, rate: gradientRate, isUpdate: false
      ).map { -$0 }
    }
    let update = try base.updates(for: seen, at: parameters)
    guard projectsUpdate else { return update }
    return try project(
      update, at: parameters, by: &projector, metric: boundedMetric, rate: constraint.correctionRate ?? correctionRate,
      isUpdate: true)
  }

  private func isDue(after warmup: Int) -> Bool {
    let since = step - warmup - 1
    return since >= 0 && since % interval == 0
  }

  /// M, of the parameters' shapes; `nil` for the identity.
  private func boundedMetric() -> [Tensor]? {
    guard metric == .preconditioner, let preconditioner = base.preconditioner else { return nil }
    let inverse = preconditioner.asVector.reciprocal()
    let scale = inverse.norm() / Double(inverse.elementCount).squareRoot()
    guard scale > 0, scale.isFinite else { return nil }
    return preconditioner.parts(of: (inverse / scale + 1e-4).reciprocal())
  }

  /// Projects gradients or updates and adds to the report; the constraint is recorded once for both.
  private mutating func project(
    _ update: [Tensor], at parameters: [Tensor], by projector: inout Projector?, metric: () -> [Tensor]?, rate: Double,
    isUpdate: Bool
  ) throws -> [Tensor] {
    if let closed = try constraint.projection(
      of: update, at: parameters, preconditioner: metric, correctionRate: rate)
    {
      try report(violation: closed.constraintNorm, residualNorm: closed.residualNorm, iterations: 0, .direct)
      return closed.update
    }
    let current = try projector ?? Projector(constraint, at: parameters)
    projector = current
    try check(violation: current.violation)
    let outcome = try current.project(
      update.asVector, root: metric().map { $0.asVector.sqrt() }, rate: rate, solver: solver, damping: damping,
      start: isUpdate && warmStart ? multipliers : nil)
    if isUpdate && warmStart { multipliers = outcome.multipliers }
    try report(
      violation: current.violation, residualNorm: outcome.solution.residual.norm(),
      iterations: outcome.solution.iterations, outcome.solution.stopReason)
    return update.parts(of: outcome.vector)
  }

  private func check(violation: Double) throws {
    guard violation.isFinite else {
      throw ConstraintError("the constraint's violation became \(violation) at step \(step)")
    }
  }

  private mutating func report(
    violation: Double, residualNorm: Double, iterations: Int, _ stopReason: StopReason
  ) throws {
    try check(violation: violation)
    projectionReport = ProjectionReport(
      constraintNorm: violation, residualNorm: residualNorm,
      iterations: (projectionReport?.iterations ?? 0) + iterations, stopReason: stopReason,
      measurements: constraint.measurements)
  }

  /// What the base optimizer, and then the constraint, impose.
  public mutating func imposed(on average: [Tensor]) throws -> [Tensor]? {
    let inner = try base.imposed(on: average)
    return try constraint.imposed(on: inner ?? average) ?? inner
  }

  // MARK: Saving

  /// The base optimizer's state, the constraint's, the number of steps and the multipliers.
  public var state: [String: Tensor] {
    var state = ["projection.step": Tensor([step])]
    state["projection.multipliers"] = multipliers
    for (name, tensor) in base.state { state["base.\(name)"] = tensor }
    for (name, tensor) in constraint.state { state["constraint.\(name)"] = tensor }
    return state
  }

  /// Takes over saved state.
  public mutating func restore(_ state: [String: Tensor], for parameters: [Tensor]) throws {
    func part(_ prefix: String) -> [String: Tensor] {
      Dictionary(
        uniqueKeysWithValues: state.filter { $0.key.hasPrefix("\(prefix).") }.map {
          (String($0.key.dropFirst(prefix.count + 1)), $0.value)
        })
    }
    let own = part("projection")
    guard let step = counter(own["step"]),
      own.count == (own["multipliers"] == nil ? 1 : 2),
      state.keys.allSatisfy({ ["base", "constraint", "projection"].contains($0.prefix { $0 != "." }) })
    else {
      throw OptimizerStateError("the saved state of a projected optimizer lacks its step, or holds more than its own")
    }
    if let multipliers = own["multipliers"], !multipliers.dtype.isFloatingPoint || multipliers.rank != 1 {
      throw OptimizerStateError("the saved multipliers are \(multipliers.dtype)\(multipliers.shape), not a vector")
    }
    var copy = self
    try copy.base.restore(part("base"), for: parameters)
    try copy.constraint.restore(part("constraint"), for: parameters)
    copy.step = step
    copy.multipliers = own["multipliers"]
    copy.projectionReport = nil
    self = copy
  }
}
