internal import Files
public import LeastSquares
public import Torch

/// An optimizer whose updates respect a constraint c(θ) = 0 to first order.
///
/// With A = ∂c/∂θ, the base optimizer's update Δθ becomes the nearest one that solves A·Δθ′ = −γ·c:
///
///     Δθ′ = Δθ − M^½·LstSq(A·M^½, A·Δθ + γ·c)
///
/// One part of Δθ′ moves in the null space of A, where the constraint does not change. The other part is a Gauss–Newton step towards
/// c = 0. The projection comes after the base optimizer, because whatever an optimizer does to a projected gradient, such as Adam's
/// division by √v̂, leaves the null space again. With M = I this is the null-space method of Roy, Hauberg & Krämer (2025), arXiv
/// 2510.19634. By default M is the base optimizer's own preconditioner, for Adam 1/(√v̂ + ε). As far as the optimizer knows, the
/// nearest update is then the one that costs the loss least.
///
/// M is bounded: M⁻¹ = P⁻¹ + 10⁻⁴·rms(P⁻¹) for a preconditioner P, in units of rms(P⁻¹). Without the bound, a parameter that the
/// loss has never moved would have P = 1/ε with Adam, and would take all corrections.
///
/// - **Redundant equations** change nothing: whatever the rank of A, the nearest of all solutions is taken.
/// - **Inconsistent equations** are solved in the least-squares sense: ‖A·Δθ′ + γ·c‖ is as small as possible, and `projectionReport`
///   tells it. If A has full column rank, the constraint then determines the update, unless the solver stops early or is damped.
/// - **At a feasible point** an update that is already tangent stays as it is.
/// - **A solver that stops early** is no error: the update is used, and the reason is reported. Later steps take the rest of the
///   violation away.
/// - **Several constraints** that shall hold together are one constraint with a longer residual. If projected optimizers are nested,
///   only the outer constraint holds.
///
/// - Cost of a projected step: c and its record, and two products for each iteration of the solver, which for a network are about two
///   gradients each. Memory for the record and about ten vectors of the parameters' size, whatever the number of iterations. A closed
///   form costs what its constraint says.
public struct NullSpaceProjected<Base: Optimizer>: ProjectingOptimizer {
  /// The norm in which the projected update is the nearest.
  public enum Metric: String, Codable, Hashable, Sendable, CaseIterable {
    /// M is the base optimizer's preconditioner.
    case preconditioner
    /// M = I.
    case identity
  }

  /// When updates are projected, and how much of the violation each projection takes away.
  public struct Schedule: Codable, Hashable, Sendable {
    /// γ, the fraction of the violation that a projection takes away, to first order.
    public let correctionRate: Double
    /// The steps from one projection to the next.
    public let interval: Int
    /// The number of steps before the first projection.
    public let warmupSteps: Int

    /// Makes a schedule.
    ///
    /// - Parameters:
    ///   - correctionRate: γ. 1 is a full Gauss–Newton step, and 0 keeps the violation as it is. A constraint with a correction rate
    ///     of its own uses that instead, at every step.
    ///   - interval: the steps from one projection to the next. The updates in between are the base optimizer's.
    ///   - warmupSteps: the number of steps before the first projection. Full corrections from the start can lead to a near point
    ///     that satisfies the constraint in a trivial way, such as a constant function.
    /// - Precondition: γ is at least 0 and finite, the interval is positive, and the warm-up is at least 0.
    public init(correctionRate: Double = 0.5, interval: Int = 1, warmupSteps: Int = 0) {
      demand(
        correctionRate >= 0 && correctionRate.isFinite,
        "the correction rate must be at least 0 and finite, not \(correctionRate)")
      demand(interval > 0, "projections need a positive interval, not \(interval)")
      demand(warmupSteps >= 0, "a warm-up takes at least 0 steps, not \(warmupSteps)")
      self.correctionRate = correctionRate
      self.interval = interval
      self.warmupSteps = warmupSteps
    }
  }

  /// How gradients are projected before the base optimizer sees them: g − LstSq(A, A·g − γ·c).
  ///
  /// A projection of updates alone takes the same part away from every update. That part still fills Adam's running means and
  /// determines the size of its steps, and where the constraint opposes the loss, little is left for the rest. Projected gradients
  /// avoid this, at the cost of a second solve in each step.
  public struct Gradients: Codable, Hashable, Sendable {
    /// γ of the gradients: how fast they pull towards c = 0.
    public let correctionRate: Double
    /// The number of steps before the first projection of a gradient; `nil` for the warm-up of the updates.
    public let warmupSteps: Int?

    /// Makes settings.
    ///
    /// - Parameters:
    ///   - correctionRate: γ of the gradients.
    ///   - warmupSteps: the number of steps before the first projection of a gradient. With fewer steps than the warm-up of the
    ///     updates, gradients pull towards the constraint before updates are projected.
    /// - Precondition: γ is at least 0 and finite, and the warm-up is at least 0.
    public init(correctionRate: Double, warmupSteps: Int? = nil) {
      demand(
        correctionRate >= 0 && correctionRate.isFinite,
        "the gradients' correction rate must be at least 0 and finite, not \(correctionRate)")
      demand(warmupSteps ?? 0 >= 0, "a warm-up takes at least 0 steps, not \(warmupSteps ?? 0)")
      self.correctionRate = correctionRate
      self.warmupSteps = warmupSteps
    }
  }

  /// The optimizer that makes the updates.
  public private(set) var base: Base
  /// The constraint that the updates respect.
  public private(set) var constraint: any Constraint
  /// The norm in which the projected update is the nearest.
  public let metric: Metric
  /// The solver of the least-squares problems.
  public let solver: any LeastSquaresSolver
  /// δ of the problems min ‖A·M^½·z − b‖² + δ²·‖z‖²; with δ > 0 the loss has a say where the constraint is weak.
  public let damping: Double
  /// When updates are projected, and how much of the violation each projection takes away.
  public let schedule: Schedule
  /// How the gradients that the base optimizer sees are projected; `nil` leaves them as they are.
  public let gradients: Gradients?
  /// Whether a solve starts from the multipliers of the last one.
  public let warmStart: Bool
  /// What the last step did about the constraint; `nil` if the step was not projected.
  public private(set) var projectionReport: ProjectionReport?

  private var step = 0
  private var multipliers: Tensor?

  /// Wraps an optimizer.
  ///
  /// - Parameters:
  ///   - base: the optimizer that makes the updates.
  ///   - constraint: the constraint that the updates respect.
  ///   - metric: the norm in which the projected update is the nearest.
  ///   - solver: the solver of the least-squares problems; a constraint with a closed form does not use it.
  ///   - damping: δ.
  ///   - schedule: when updates are projected, and how far.
  ///   - gradients: how gradients are projected; `nil` leaves them as they are.
  ///   - warmStart: whether a solve starts from Aᵀ·λ, with the multipliers λ of the last solve. The answer is the same, and it takes
  ///     fewer iterations if successive steps resemble each other. It costs three products in a step. The equations must be the same
  ///     in each step.
  /// - Precondition: δ is at least 0 and finite. A warm start needs δ = 0, because a start would change what damping means, and a
  ///   solver that knows multipliers (`LeastSquaresSolver.trackingMultipliers`).
  public init(
    _ base: Base, constraint: any Constraint, metric: Metric = .preconditioner,
    solver: any LeastSquaresSolver = LSMR(tolerance: 1e-6, iterationLimit: 30), damping: Double = 0,
    schedule: Schedule = Schedule(), gradients: Gradients? = nil, warmStart: Bool = false
  ) {
    demand(damping >= 0 && damping.isFinite, "the damping must be at least 0 and finite, not \(damping)")
    demand(!warmStart || damping == 0, "a warm start goes without damping, not with \(damping)")
    let tracking = warmStart ? solver.trackingMultipliers : nil
    demand(
      !warmStart || tracking != nil,
      "a warm start needs a solver that tracks multipliers, LSMR without reorthogonalization or the automatic one")
    self.base = base
    self.constraint = constraint
    self.metric = metric
    self.solver = tracking ?? solver
    self.damping = damping
    self.schedule = schedule
    self.gradients = gradients
    self.warmStart = warmStart
  }

  // MARK: Updates

  /// The learning rate of the base optimizer.
  public var learningRate: Double {
    get { base.learningRate }
    set { base.learningRate = newValue }
  }

  /// The preconditioner of the base optimizer, without the bound of the metric.
  public var preconditioner: [Tensor]? { base.preconditioner }

  /// The base optimizer's updates, projected.
  ///
  /// - Throws: `ConstraintError` for a violation that is not finite, `LeastSquaresError`, and the errors of the base optimizer and of
  ///   the constraint; the optimizer is then as it was.
  public mutating func updates(for gradients: [Tensor], at parameters: [Tensor]) throws -> [Tensor] {
    var next = self
    let updates = try withoutGradients { try next.advance(gradients, parameters.map { $0.detached() }) }
    self = next
    return updates
  }

  private mutating func advance(_ loss: [Tensor], _ parameters: [Tensor]) throws -> [Tensor] {
    step += 1
    projectionReport = nil
    let projectsUpdate = constraint.correctionRate != nil || isDue(after: schedule.warmupSteps)
    let gradients = isDue(after: gradients?.warmupSteps ?? schedule.warmupSteps) ? gradients : nil
    guard projectsUpdate || gradients != nil else { return try base.updates(for: loss, at: parameters) }

    try constraint.prepare(step: step, at: parameters)
    var projector = Projector(constraint, at: parameters, step: step, solver: solver, damping: damping)
    var seen = loss
    if let gradients {
      let outcome = try projector.project(loss.map { -$0 }, rate: gradients.correctionRate)
      projectionReport = outcome.report
      seen = outcome.vector.map { -$0 }
    }
    let update = try base.updates(for: seen, at: parameters)
    guard projectsUpdate else { return update }
    let outcome = try projector.project(
      update, metric: boundedMetric, rate: constraint.correctionRate ?? schedule.correctionRate,
      start: warmStart ? multipliers : nil)
    if warmStart { multipliers = outcome.multipliers }
    projectionReport = outcome.report.adding(iterations: projectionReport?.iterations ?? 0)
    return outcome.vector
  }

  private func isDue(after warmup: Int) -> Bool {
    let since = step - warmup - 1
    return since >= 0 && since % schedule.interval == 0
  }

  /// M, of the parameters' shapes; `nil` for the identity.
  private func boundedMetric() -> [Tensor]? {
    guard metric == .preconditioner, let preconditioner = base.preconditioner else { return nil }
    let inverse = preconditioner.asVector.reciprocal()
    let scale = inverse.norm() / Double(inverse.elementCount).squareRoot()
    guard scale > 0, scale.isFinite else { return nil }
    return preconditioner.parts(of: (inverse / scale + 1e-4).reciprocal())
  }

  /// The average as the base optimizer, and then the constraint, adjust it.
  ///
  /// - Throws: `ConstraintError` if the constraint returns an average of another shape or element type, and the errors of both.
  public mutating func adjustedAverage(_ average: [Tensor]) throws -> [Tensor]? {
    let inner = try base.adjustedAverage(average)
    guard let imposed = try constraint.imposed(on: inner ?? average) else { return inner }
    let (given, found) = (average.asVector, imposed.asVector)
    guard found.shape == given.shape, found.dtype == given.dtype else {
      throw ConstraintError(
        "a constraint turned an average of \(given.dtype)\(given.shape) into \(found.dtype)\(found.shape)")
    }
    return imposed
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

  /// Takes over saved state; the optimizer is as it was if it throws.
  ///
  /// - Throws: `OptimizerStateError` for the state of another optimizer.
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
