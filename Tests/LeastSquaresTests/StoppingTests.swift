import TestSupport
import Testing
import Torch

@testable import LeastSquares

/// Each reason to stop on a problem that gives it, and what follows from it.
@Suite struct StopReasonTests {
  private static let tall = Problem(rows: 9, columns: 5, rank: 5)
  private static var a: MatrixOperator { MatrixOperator(tall.matrix()) }
  private static var consistent: Tensor { a.matrix.matmul(Tensor([1.0, -2, 3, -4, 5])) }
  private static var inconsistent: Tensor { tall.rightHandSide() }

  /// A solution of a problem that gives the reason; `nil` where none does for sure.
  private static func solution(_ reason: StopReason) throws -> LeastSquaresSolution? {
    switch reason {
    case .startIsSolution: try LSMR().solve(a, Tensor.zeros([9], dtype: .float64))
    case .residualTolerance: try LSMR().solve(a, consistent)
    case .leastSquaresTolerance: try LSMR().solve(a, inconsistent)
    case .conditionLimit: try LSMR(conditionLimit: 2).solve(a, inconsistent)
    case .residualPrecision: try LSMR(tolerance: 0).solve(a, consistent)
    case .leastSquaresPrecision: try LSMR(tolerance: 0).solve(a, inconsistent)
    case .conditionPrecision: nil
    case .iterationLimit: try LSMR(tolerance: 1e-12, iterationLimit: 2).solve(a, inconsistent)
    case .stalled: try LSMR().solve(farAway.a, farAway.b, damping: 0, from: farAway.x0)
    case .direct: try DenseSolver().solve(a, inconsistent)
    }
  }

  /// In float32 A·x₀ has an absolute error of about 1e-2, and so has the residual, whatever the recurrences say.
  private static var farAway: (a: MatrixOperator, b: Tensor, x0: Tensor) {
    (MatrixOperator(a.matrix.to(.float32)), consistent.to(.float32), Tensor.full([5], 1e5))
  }

  /// `conditionPrecision` has a test of its own: where the condition number of what the iterations saw is 1/ε, ‖Āᵀ·r̄‖ is about
  /// ε·‖Ā‖·‖r̄‖, which comes first; which of both is smaller is up to rounding errors.
  @Test(arguments: StopReason.allCases.filter { $0 != .conditionPrecision })
  func everyReasonIsReached(_ reason: StopReason) throws {
    let solution = try #require(try Self.solution(reason))
    #expect(solution.stopReason == reason)
    #expect((solution.recurrences == nil) == (reason == .direct))
    #expect((solution.iterations == 0) == (reason == .startIsSolution || reason == .direct))
    if reason.isConverged {
      #expect(try solution.converged().x.elements(as: Double.self) == solution.x.elements())
      #expect(solution.warnings.isEmpty)
    } else {
      let warning = LeastSquaresWarning.notConverged(reason, iterations: solution.iterations)
      #expect(throws: warning) { try solution.converged() }
      #expect(solution.warnings.first == warning)
      #expect(
        warning.description.contains(reason.explanation) && warning.description.contains("\(solution.iterations)"))
    }
    let isConsistent = [.startIsSolution, .residualTolerance, .residualPrecision].contains(reason)
    #expect(solution.isConsistent == isConsistent)
  }

  /// The iterations in plain operations, for a precision so coarse that rounding errors do not matter.
  @Test func singularityIsFoundAtThePrecision() {
    let (diagonal, b) = (Tensor([1, 0.014, 0.53]), Tensor([90, 6700, 0.2]))
    var (u, beta) = (b / b.norm(), b.norm())
    var (v, alpha) = (diagonal * u, (diagonal * u).norm())
    v = v / alpha
    var (h, hBar, x) = (v, Tensor.zeros(like: v), Tensor.zeros(like: v))
    var recurrence = LSMRRecurrence(alpha: alpha, beta: beta, damping: 0, bNorm: beta)
    var reasons: [StopReason?] = []
    for _ in 0..<2 {
      u = diagonal * v - u * alpha
      beta = u.norm()
      u = u / beta
      v = diagonal * u - v * beta
      alpha = v.norm()
      v = v / alpha
      let update = recurrence.rotate(alpha: alpha, beta: beta)
      hBar = h + hBar * update.hBar
      x = x + hBar * update.x
      h = v + h * update.h
      recurrence.estimate(solutionNorm: x.norm())
      expectClose(recurrence.residualNorm, (b - diagonal * x).norm(), rtol: 1e-12, atol: 0)
      expectClose(recurrence.normalResidualNorm, (diagonal * (b - diagonal * x)).norm(), rtol: 1e-12, atol: 0)
      reasons.append(recurrence.stopReason(LSMR(tolerance: 0), precision: 0x1p-6, iterationLimit: 10))
    }
    // Each rule is missed or met by a tenth.
    #expect(reasons == [nil, .conditionPrecision])
    #expect((68...75).contains(recurrence.condition))
    #expect(recurrence.stopReason(LSMR(tolerance: 0), precision: 0x1p-8, iterationLimit: 10) == nil)
    #expect(recurrence.stopReason(LSMR(tolerance: 0), precision: 0x1p-5, iterationLimit: 10) == .residualPrecision)
  }

  @Test func codesAreSciPys() {
    #expect(StopReason.allCases.map(\.rawValue) == Array(0...9))
    #expect(StopReason.allCases.filter { !$0.isConverged }.map(\.rawValue) == [3, 6, 7, 8])
    #expect(Set(StopReason.allCases.map(\.explanation)).count == 10)
  }

  // MARK: Stalling

  @Test func claimsAboutTheNormalResidualAreChecked() throws {
    let (a, b, x0) = Self.farAway
    let solution = try LSMR().solve(a, b, damping: 0, from: x0)
    let recurrences = try #require(solution.recurrences)
    #expect(recurrences.normalResidualNorm <= 1e-6 * solution.operatorNorm * recurrences.residualNorm)
    #expect(solution.normalResidualNorm > 1e-4 * solution.operatorNorm * solution.residualNorm)
    let normal = a.matrix.transposed().matmul(solution.residual).norm()
    expectClose(solution.normalResidualNorm, normal, rtol: 1e-3, atol: 0)
    // A second solve from there converges, as do float64 and a coarser tolerance.
    let refined = try LSMR().solve(a, b, damping: 0, from: solution.x)
    #expect(refined.stopReason.isConverged && refined.residualNorm < 1e-5 * b.norm())
    let double = try LSMR().solve(Self.a, Self.consistent, damping: 0, from: x0.to(.float64))
    #expect(double.stopReason == .residualTolerance && double.residualNorm < 1e-5 * b.norm())
    #expect(try LSMR(tolerance: 0.1).solve(a, b, damping: 0, from: x0).stopReason == .residualTolerance)
  }

  @Test func claimsAboutTheResidualAreChecked() throws {
    let problem = Problem(rows: 5, columns: 5, rank: 5)
    let (matrix, b) = (problem.matrix().to(.float32), problem.rightHandSide().to(.float32))
    let solution = try LSMR().solve(MatrixOperator(matrix), b, damping: 0, from: Tensor.full([5], 1e5))
    let recurrences = try #require(solution.recurrences)
    #expect(solution.stopReason == .stalled && !solution.isConsistent)
    #expect(recurrences.residualNorm < 1e-5 * b.norm())
    #expect(solution.residualNorm > 1e-4 * b.norm())
    expectClose(solution.residualNorm, (b - matrix.matmul(solution.x)).norm(), rtol: 1e-3, atol: 0)
  }

  /// An operator that is worse than its word: the adjoint is that of another matrix, so that nothing converges.
  @Test func wrongAdjointDoesNotCountAsConvergence() throws {
    var generator = RandomGenerator(seed: 5)
    let other = generator.normal([5, 9], dtype: .float64)
    let wrong = FunctionOperator(
      rows: 9, columns: 5, adjoint: { y, _ in other.matmul(y) }, { x, _ in Self.a.matrix.matmul(x) })
    let solution = try LSMR(tolerance: 1e-10).solve(wrong, Self.inconsistent)
    #expect(!solution.stopReason.isConverged)
  }

  // MARK: Limits

  @Test func noIterationLeavesTheStart() throws {
    let x0 = Tensor([1.0, 2, 3, 4, 5])
    for (start, expected) in [(nil, Tensor.zeros([5], dtype: .float64)), (x0, x0)] {
      let solution = try LSMR(iterationLimit: 0).solve(Self.a, Self.inconsistent, damping: 0.5, from: start)
      expectIdentical(solution.x, expected)
      #expect(solution.stopReason == .iterationLimit && solution.iterations == 0 && !solution.isConsistent)
      expectClose(solution.residual, Self.inconsistent - Self.a.matrix.matmul(expected), rtol: 1e-14, atol: 1e-14)
      expectClose(solution.residualNorm, solution.residual.norm(), rtol: 1e-14, atol: 0)
      #expect(solution.spectrum.singularValues.isEmpty)
    }
  }

  /// One iteration is a step along Aᵀ·b that makes ‖Aᵀ·r‖ smallest.
  @Test func oneIterationGoesAlongTheGradient() throws {
    let (matrix, b) = (Self.a.matrix, Self.inconsistent)
    let gradient = matrix.transposed().matmul(b)
    let image = matrix.transposed().matmul(matrix.matmul(gradient))
    let solution = try LSMR(iterationLimit: 1).solve(Self.a, b)
    expectClose(solution.x, gradient * (image.dot(gradient) / image.dot(image)), rtol: 1e-13, atol: 0)
    #expect(solution.stopReason == .iterationLimit && solution.iterations == 1)
  }

  @Test func iterationsStopAtTheLimit() throws {
    for limit in 1...4 {
      let solution = try LSMR(tolerance: 0, iterationLimit: limit).solve(Self.a, Self.inconsistent)
      #expect(solution.iterations == limit && solution.stopReason == .iterationLimit)
    }
    // By default there are ten for each dimension of the shorter side; a slow problem takes them all.
    let slow = Problem(rows: 12, columns: 8, rank: 8)
    let solution = try LSMR(tolerance: 0).solve(MatrixOperator(slow.matrix(condition: 1e14)), slow.rightHandSide())
    #expect(solution.iterations == 80 && solution.stopReason == .iterationLimit)
  }

  /// ‖Aᵀ·r‖ never grows, which makes stopping early safe.
  @Test(arguments: [0, 0.1])
  func normalResidualFallsMonotonically(_ damping: Double) throws {
    let problem = Problem(rows: 30, columns: 20, rank: 20)
    let a = MatrixOperator(problem.matrix(condition: 1e3))
    var last = Double.infinity
    for limit in stride(from: 0, through: 120, by: 3) {
      let solution = try LSMR(tolerance: 1e-13, iterationLimit: limit).solve(
        a, problem.rightHandSide(), damping: damping)
      #expect(solution.normalResidualNorm <= last * (1 + 1e-10) + 1e-14, "iteration \(limit)")
      last = solution.normalResidualNorm
    }
    #expect(last < 1e-6)
  }

  @Test func dampedSystemsAreNotConsistent() throws {
    let solution = try LSMR().solve(Self.a, Self.consistent, damping: 1e-9)
    #expect(solution.stopReason == .residualTolerance && !solution.isConsistent)
  }

  // MARK: Warnings

  @Test func illConditionedProblemsAreWarnedOf() throws {
    let problem = Problem(rows: 30, columns: 20, rank: 20)
    let a = MatrixOperator(problem.matrix(condition: 1e10))
    var iterative = LSMR(tolerance: 1e-15)
    iterative.reorthogonalization = 20
    for solver in [iterative, DenseSolver()] as [any LeastSquaresSolver] {
      let warnings = try solver.solve(a, problem.rightHandSide()).warnings
      #expect(warnings.contains { if case .illConditioned(let condition) = $0 { condition > 1e8 } else { false } })
      #expect(try solver.solve(a, problem.rightHandSide(), damping: 0.1).warnings.isEmpty)
    }
  }

  @Test func dependentColumnsAreWarnedOf() throws {
    let problem = Problem(rows: 9, columns: 5, rank: 3)
    let solution = try DenseSolver().solve(MatrixOperator(problem.matrix()), problem.rightHandSide())
    #expect(solution.warnings == [.rankDeficient(rank: 3, fullRank: 5)])
    #expect(solution.warnings[0].description.contains("rank 3 of 5"))
  }

  @Test func zeroRightHandSidesAreReachedFromAnyStart() throws {
    let matrix = Problem(rows: 7, columns: 4, rank: 4).matrix()
    for start in [1e-3, 1, 1e6] {
      let x0 = Tensor.full([4], start, dtype: .float64)
      let solution = try LSMR(tolerance: 1e-12).solve(
        MatrixOperator(matrix), Tensor.zeros([7], dtype: .float64), damping: 0, from: x0)
      #expect(solution.stopReason.isConverged && solution.warnings.isEmpty)
      #expect(solution.solutionNorm < 1e-12 * start)
    }
  }

  @Test func warningsTellOfIllConditioning() throws {
    let matrix = Problem(rows: 60, columns: 40, rank: 40).matrix(condition: 1e9)
    let b = Problem(rows: 60, columns: 40, rank: 40).rightHandSide()
    let solver = LSMR(atol: 0, btol: 0, conditionLimit: 0, iterationLimit: 300, reorthogonalization: 40)
    let solution = try solver.solve(MatrixOperator(matrix), b)
    expectClose(solution.spectrum.condition, 1e9, rtol: 1e-3)
    #expect(solution.warnings.contains { if case .illConditioned = $0 { true } else { false } })
    let damped = try LSMR(tolerance: 1e-10).solve(MatrixOperator(matrix), b, damping: 0.1)
    #expect(damped.warnings.isEmpty)
  }
}
