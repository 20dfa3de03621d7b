import LeastSquares
import ScoreTraining
import TestSupport
import Testing
import Torch

@Suite struct ProjectionLawTests {
  typealias Metric = NullSpaceProjected<GivenUpdate>.Metric

  private static let solvers: [any LeastSquaresSolver & Sendable] = [
    LSMR(tolerance: 1e-13), DenseSolver(), AutomaticSolver(iterative: LSMR(tolerance: 1e-13)),
  ]

  @Test(arguments: Metric.allCases, [0, 0.5, 1])
  func updateTakesItsPartOfTheViolationAway(_ metric: Metric, _ rate: Double) throws {
    let problem = ProjectionProblem(rows: 5, columns: 17, rank: 5)
    for solver in Self.solvers {
      let (update, report) = try problem.projected(metric, rate: rate, solver: solver)
      expectClose(problem.matrix.matmul(update), problem.violation * -rate, rtol: 0, atol: 1e-9, "\(solver)")
      #expect(report.map { $0.residualNorm < 1e-9 } == true)
    }
  }

  @Test(arguments: Metric.allCases, [(4, 11, 4), (4, 11, 2), (11, 4, 4), (11, 4, 2), (6, 6, 5)])
  func updateIsThatOfThePseudoinverse(_ metric: Metric, _ size: (rows: Int, columns: Int, rank: Int)) throws {
    let problem = ProjectionProblem(rows: size.rows, columns: size.columns, rank: size.rank)
    for rate in [0, 0.3, 1] {
      let reference = try problem.reference(metric, rate: rate)
      for solver in Self.solvers {
        let (update, report) = try problem.projected(metric, rate: rate, solver: solver)
        expectClose(update, reference, rtol: 1e-7, atol: 1e-8, "\(solver), γ = \(rate)")
        let residual = problem.matrix.matmul(reference) + problem.violation * rate
        expectClose(report?.residualNorm ?? -1, residual.norm(), rtol: 1e-6, atol: 1e-8)
        expectClose(report?.constraintNorm ?? -1, problem.violation.norm(), rtol: 1e-12, atol: 0)
      }
    }
  }

  @Test(arguments: Metric.allCases) func projectionIsIdempotent(_ metric: Metric) throws {
    let problem = ProjectionProblem(rows: 5, columns: 17, rank: 4)
    let once = try problem.projected(metric, rate: 0).update
    var again = NullSpaceProjected(
      GivenUpdate(once, preconditioner: [problem.metric]), constraint: problem.constraint, metric: metric,
      solver: LSMR(tolerance: 1e-13), schedule: .init(correctionRate: 0))
    expectClose(try again.updates(for: [once], at: [problem.point])[0], once, rtol: 0, atol: 1e-10)
  }

  @Test func updateIsTheNearestInTheMetric() throws {
    let problem = ProjectionProblem(rows: 3, columns: 9, rank: 3)
    for (metric, inverse) in [
      (Metric.identity, Tensor.ones(like: problem.metric)), (.preconditioner, 1 / problem.bounded(.preconditioner)),
    ] {
      let update = try problem.projected(metric).update
      // What was taken away is orthogonal, in M⁻¹, to all that leaves the constraint alone.
      let tangent = try problem.projected(.identity, rate: 0).update
      #expect(abs(((update - problem.update) * inverse).dot(tangent).item()) < 1e-9)
      #expect(tangent.norm() > 0.1)
    }
  }

  @Test func metricIsTheBaseOptimizersOwnUpToAFactor() throws {
    let problem = ProjectionProblem(rows: 3, columns: 9, rank: 3)
    var scaled = NullSpaceProjected(
      GivenUpdate(problem.update, preconditioner: [problem.metric * 1e6]), constraint: problem.constraint,
      solver: LSMR(tolerance: 1e-13))
    expectClose(
      try scaled.updates(for: [problem.update], at: [problem.point])[0], try problem.projected().update, rtol: 1e-9,
      atol: 1e-9)
    // Adam's is 1/(√v̂ + ε).
    var adam = Adam(beta2: 0.9, epsilon: 1e-3)
    #expect(adam.preconditioner == nil)
    for factor in [1.0, 3] { _ = adam.updates(for: [problem.update * factor], at: [problem.point]) }
    let mean = problem.update.square() * ((0.1 * 0.9 + 0.1 * 9) / (1 - 0.81))
    expectClose(try #require(adam.preconditioner)[0], 1 / (mean.sqrt() + 1e-3), rtol: 1e-12, atol: 0)
    #expect(SGD(learningRate: 1).preconditioner == nil)
  }

  @Test(arguments: [0, 0.3]) func scaleOfTheLossDoesNotMatter(_ damping: Double) throws {
    let problem = ProjectionProblem(rows: 3, columns: 9, rank: 3)
    let updates = try [1, 1e5].map { scale in
      var optimizer = NullSpaceProjected(
        GivenUpdate(problem.update, preconditioner: [problem.metric * scale]), constraint: problem.constraint,
        solver: DenseSolver(), damping: damping)
      return try optimizer.updates(for: [problem.update], at: [problem.point])[0]
    }
    expectClose(updates[0], updates[1], rtol: 1e-9, atol: 1e-9)
  }

  @Test func parameterThatTheLossNeverMovedDoesNotTakeAllCorrections() throws {
    // c = θ₀ + 10⁻³·θ₁ − 1 with a gradient of 0 in θ₁: Adam's metric has 10⁸ there.
    let constraint = AffineConstraint(Tensor([1, 1e-3] as [Double]).reshaped(1, 2), equals: Tensor([1.0]))
    var optimizer = NullSpaceProjected(
      Adam(learningRate: 1e-3), constraint: constraint, solver: DenseSolver(), schedule: .init(correctionRate: 1))
    let update = try optimizer.updates(for: [Tensor([1.0, 0])], at: [Tensor([0.0, 0])])[0]
    let elements: [Double] = update.elements()
    expectClose(elements[0] + 1e-3 * elements[1], 1, rtol: 1e-9, atol: 0)
    // Unbounded, θ₁ would move by about 990.
    #expect(elements[1] < 20 && elements[0] > 0.98)
  }

  @Test func singlePrecisionSolvesEquationsOfVeryDifferentMetrics() throws {
    var generator = RandomGenerator(seed: 2)
    let matrix = generator.normal([3, 40])
    let metric = Tensor((0..<40).map { Double($0) / 5 * 2.302585 }).exp().to(.float32)
    let (point, update) = (generator.normal([40]), generator.normal([40]))
    var optimizer = NullSpaceProjected(
      GivenUpdate(update, preconditioner: [metric]), constraint: AffineConstraint(matrix, equals: .zeros([3])),
      solver: LSMR(tolerance: 1e-6, iterationLimit: 100), schedule: .init(correctionRate: 1))
    let projected = try optimizer.updates(for: [update], at: [point])[0]
    let violation = matrix.matmul(point)
    #expect((matrix.matmul(projected) + violation).norm() < 1e-4 * violation.norm())
  }

  @Test func learningRateIsTheBaseOptimizers() throws {
    let problem = ProjectionProblem(rows: 1, columns: 4, rank: 1)
    var (plain, projected) = (
      Adam(), NullSpaceProjected(Adam(), constraint: FunctionConstraint { _ in Tensor([0.0]) })
    )
    for rate in [0.5, 0.25] {
      plain.learningRate = rate
      projected.learningRate = rate
      #expect(projected.learningRate == rate)
      expectIdentical(
        try projected.updates(for: [problem.update], at: [problem.point])[0],
        plain.updates(for: [problem.update], at: [problem.point])[0])
    }
  }

  // MARK: Gradients

  /// Descends along the gradients as they come.
  private struct Seen: Optimizer {
    var learningRate = 1.0
    var gradients: [Tensor] = []
    var state: [String: Tensor] { [:] }
    mutating func updates(for gradients: [Tensor], at parameters: [Tensor]) -> [Tensor] {
      self.gradients = gradients
      return gradients.map { -$0 }
    }
    func restore(_ state: [String: Tensor], for parameters: [Tensor]) {}
  }

  @Test(arguments: [0, 0.3]) func baseOptimizerSeesTangentGradientsThatPullTowardsTheConstraint(_ rate: Double) throws {
    let problem = ProjectionProblem(rows: 4, columns: 11, rank: 4)
    let gradient = -problem.update
    func run(_ gradientRate: Double?) throws -> (seen: Tensor, update: Tensor, report: ProjectionReport?) {
      var optimizer = NullSpaceProjected(
        Seen(), constraint: problem.constraint, solver: LSMR(tolerance: 1e-13),
        schedule: .init(correctionRate: rate), gradients: gradientRate.map { .init(correctionRate: $0) })
      let update = try optimizer.updates(for: [gradient], at: [problem.point])[0]
      return (optimizer.base.gradients[0], update, optimizer.projectionReport)
    }
    let plain = try run(nil)
    expectIdentical(plain.seen, gradient)
    let projected = try run(0.2)
    // g − A⁺(A·g − γ·c), of which A makes γ·c.
    expectClose(problem.matrix.matmul(projected.seen), problem.violation * 0.2, rtol: 0, atol: 1e-9)
    expectClose(
      projected.seen, -(try problem.reference(.identity, rate: 0.2)), rtol: 1e-9, atol: 1e-9)
    for result in [plain, projected] {
      expectClose(problem.matrix.matmul(result.update), problem.violation * -rate, rtol: 0, atol: 1e-9)
    }
    // A projection of a projection is the same.
    expectClose(projected.update, plain.update, rtol: 1e-9, atol: 1e-9)
    #expect(try #require(projected.report).iterations > #require(plain.report).iterations)
  }

  @Test func reportCountsTheIterationsOfBothSolves() throws {
    let problem = ProjectionProblem(rows: 4, columns: 11, rank: 4)
    func run<Base: Optimizer>(
      _ base: Base, warmup: Int, _ gradients: NullSpaceProjected<Base>.Gradients?
    ) throws -> (update: Tensor, iterations: Int) {
      var optimizer = NullSpaceProjected(
        base, constraint: problem.constraint, solver: LSMR(tolerance: 1e-13), schedule: .init(warmupSteps: warmup),
        gradients: gradients)
      let update = try optimizer.updates(for: [-problem.update], at: [problem.point])[0]
      return (update, try #require(optimizer.projectionReport).iterations)
    }
    let gradient = try run(Seen(), warmup: 1, .init(correctionRate: 0.2, warmupSteps: 0))
    let update = try run(GivenUpdate(gradient.update), warmup: 0, nil)
    let both = try run(Seen(), warmup: 0, .init(correctionRate: 0.2))
    expectIdentical(both.update, update.update)
    #expect(both.iterations == gradient.iterations + update.iterations)
    #expect(gradient.iterations > 0 && update.iterations > 0)
  }

  @Test func closedFormsProjectGradientsToo() throws {
    let constraint = FixedNorm([1], shapes: [[2]])
    var optimizer = NullSpaceProjected(
      Seen(), constraint: constraint, schedule: .init(correctionRate: 1), gradients: .init(correctionRate: 0))
    _ = try optimizer.updates(for: [Tensor([3.0, 5])], at: [Tensor([0.0, 2])])
    expectClose(optimizer.base.gradients[0], Tensor([3.0, 0]), rtol: 0, atol: 1e-15)
  }

  // MARK: Special cases

  @Test func feasiblePointWithATangentUpdateStaysAsItIs() throws {
    let matrix = Tensor([[1.0, 1, 0], [0, 0, 1]]).to(.float64)
    let (point, update) = (Tensor([0.5, 0.5, 2]), Tensor([1.0, -1, 0]))
    for solver in Self.solvers {
      var optimizer = NullSpaceProjected(
        GivenUpdate(update), constraint: AffineConstraint(matrix, equals: Tensor([1.0, 2])), solver: solver)
      let projected = try optimizer.updates(for: [update], at: [point])[0]
      #expect(projected.allFinite)
      expectClose(projected, update, rtol: 0, atol: 1e-15)
      #expect(optimizer.projectionReport?.residualNorm == 0 && optimizer.projectionReport?.constraintNorm == 0)
    }
  }

  @Test func constraintWithoutAGradientChangesNothing() throws {
    // A squared norm where it is 0: A = 0.
    let (point, update) = (Tensor([0.0, 0]), Tensor([1.0, -2]))
    for solver in Self.solvers {
      var optimizer = NullSpaceProjected(
        GivenUpdate(update), constraint: FunctionConstraint { $0[0].square().sum() }, solver: solver)
      expectIdentical(try optimizer.updates(for: [update], at: [point])[0], update)
    }
  }

  @Test func redundantEquationsChangeNothing() throws {
    let problem = ProjectionProblem(rows: 3, columns: 9, rank: 3)
    let twice = AffineConstraint(
      .concatenate([problem.matrix, problem.matrix * -2]), equals: .concatenate([problem.target, problem.target * -2]))
    for solver in Self.solvers {
      expectClose(
        try problem.projected(solver: solver, constraint: twice).update, try problem.projected(solver: solver).update,
        rtol: 1e-9, atol: 1e-9)
    }
  }

  @Test func contradictoryEquationsAreMetInTheMeanAndReported() throws {
    // θ₀ = 1 and θ₀ = 3.
    let constraint = AffineConstraint(Tensor([[1.0, 0], [1, 0]]).to(.float64), equals: Tensor([1.0, 3]))
    for solver in Self.solvers {
      var optimizer = NullSpaceProjected(
        GivenUpdate(Tensor([5.0, 7])), constraint: constraint, solver: solver,
        schedule: .init(correctionRate: 1))
      let update = try optimizer.updates(for: [Tensor([0.0, 0])], at: [Tensor([0.0, 0])])[0]
      expectClose(update, Tensor([2.0, 7]), rtol: 0, atol: 1e-12)
      expectClose(try #require(optimizer.projectionReport).residualNorm, 2.0.squareRoot(), rtol: 1e-12, atol: 0)
    }
  }

  @Test func moreEquationsThanParametersLeaveTheCorrectionAlone() throws {
    let problem = ProjectionProblem(rows: 20, columns: 6, rank: 6)
    let (update, _) = try problem.projected(.identity, rate: 0.25)
    var other = NullSpaceProjected(
      GivenUpdate(problem.update * 3), constraint: problem.constraint, solver: DenseSolver(),
      schedule: .init(correctionRate: 0.25))
    expectClose(try other.updates(for: [problem.update], at: [problem.point])[0], update, rtol: 0, atol: 1e-9)
  }

  @Test func dampingLeavesPartOfTheViolation() throws {
    let problem = ProjectionProblem(rows: 5, columns: 17, rank: 5)
    var residuals: [Double] = []
    for damping in [0, 0.1, 1, 1e4] {
      var optimizer = NullSpaceProjected(
        GivenUpdate(problem.update), constraint: problem.constraint, solver: DenseSolver(), damping: damping)
      let update = try optimizer.updates(for: [problem.update], at: [problem.point])[0]
      residuals.append(try #require(optimizer.projectionReport).residualNorm)
      if damping == 1e4 { expectClose(update, problem.update, rtol: 0, atol: 1e-6) }
    }
    #expect(residuals == residuals.sorted() && residuals[0] < 1e-9)
  }

  @Test func violationThatIsNotFiniteIsRefused() throws {
    var optimizer = NullSpaceProjected(
      GivenUpdate(Tensor([1.0, 1])), constraint: FunctionConstraint { $0[0].log() },
      schedule: .init(correctionRate: 1))
    let error = #expect(throws: ConstraintError.self) {
      try optimizer.updates(for: [Tensor([1.0, 1])], at: [Tensor([1.0, 0])])
    }
    #expect(error?.description == "the constraint's violation became inf at step 1")
  }

  @Test func optimizerIsAsItWasAfterAFailure() throws {
    var isBroken = true
    let constraint = FunctionConstraint { parameters in
      if isBroken { throw ConstraintError("not now") }
      return parameters[0].sum() - 1
    }
    var (failing, fine) = (
      NullSpaceProjected(Adam(), constraint: constraint), NullSpaceProjected(Adam(), constraint: constraint)
    )
    let (gradient, point) = (Tensor([1.0, 2]), Tensor([3.0, 5]))
    #expect(throws: ConstraintError.self) { try failing.updates(for: [gradient], at: [point]) }
    isBroken = false
    for _ in 0..<2 {
      expectIdentical(
        try failing.updates(for: [gradient], at: [point])[0], try fine.updates(for: [gradient], at: [point])[0])
    }
    #expect(failing.state.keys == fine.state.keys)
  }

  @Test func constraintOfAnotherModelIsRefused() throws {
    let problem = ProjectionProblem(rows: 5, columns: 17, rank: 5)
    var optimizer = NullSpaceProjected(GivenUpdate(Tensor([1.0])), constraint: problem.constraint)
    let error = #expect(throws: ConstraintError.self) {
      try optimizer.updates(for: [Tensor([1.0])], at: [Tensor([1.0])])
    }
    #expect(error?.description == "the affine constraint is on 17 numbers, and the parameters have 1")
  }
}
