public import LeastSquares
public import Testing
internal import Torch

/// Expects a least-squares solver to keep the laws of solvers.
///
/// - It solves tall, wide and square problems of full and deficient rank, damped and not: with several minimisers it finds the one of
///   least norm, and with a starting point the one nearest to it. The solutions are compared with those of a Cholesky factor.
/// - The residual is b − A·x, and the norms belong to it.
/// - It says why it stopped: `stopReason` is converged where the solution is right, `isConsistent` tells whether b is in the range.
/// - A prepared operator has the same solutions, also for the transposed problem.
/// - Solutions have the gradients of the direct solution.
/// - Vectors of another length, numbers that are not finite and negative damping are a `LeastSquaresError`.
///
/// - Parameters:
///   - solver: the solver, asked for full precision; the matrices have condition 4.
///   - tolerance: the error of x that is allowed, for right-hand sides of norm 2 or so.
///   - sourceLocation: where failures are reported; by default at the call.
/// - Throws: the solver's errors.
/// - Complexity: about 150 problems of at most 7 unknowns.
public func expectSolverLaws(
  of solver: any LeastSquaresSolver, tolerance: Double = 1e-8, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let laws = SolverLaws(solver: solver, tolerance: tolerance, location: sourceLocation)
  for problem in Problem.grid {
    for starts in [false, true] { try laws.solutionsAreThoseOfADenseFactor(problem, starts: starts) }
  }
  for (rows, columns) in [(7, 4), (4, 7)] {
    for damping in [0, 0.5] {
      let problem = Problem(rows: rows, columns: columns, rank: 3, damping: damping)
      try laws.preparedOperatorsHaveTheSameSolutions(problem)
      try laws.solutionsHaveGradients(problem)
    }
  }
  laws.wrongInputIsRefused()
}

private struct SolverLaws {
  let solver: any LeastSquaresSolver
  let tolerance: Double
  let location: SourceLocation

  private func law(_ sentence: String, _ problem: Problem) -> Law {
    Law("\(sentence), \(problem.testDescription)", of: solver, at: location)
  }

  private func delta(_ problem: Problem) -> Tensor? {
    problem.damping == 0 ? nil : Tensor(problem.damping, dtype: .float64)
  }

  func solutionsAreThoseOfADenseFactor(_ problem: Problem, starts: Bool) throws {
    let law = law("a solution is the dense one\(starts ? " that is nearest to the start" : "")", problem)
    let ((left, right), b) = (problem.factors(), problem.rightHandSide())
    let matrix = left.matmul(right)
    let x0 = starts ? Tensor((0..<problem.columns).map { Double($0) }) : nil
    let shift = x0 ?? Tensor.zeros([problem.columns], dtype: .float64)
    let expected = try shift + denseSolution(left, right, b - matrix.matmul(shift), damping: delta(problem))
    let solution = try solver.solve(MatrixOperator(matrix), b, damping: problem.damping, from: x0)
    guard law.requires(solution.x.shape == [problem.columns], "its shape is \(solution.x.shape)") else { return }
    law.expectClose(solution.x, expected, rtol: 0, atol: tolerance, "x")
    law.expect(
      solution.stopReason.isConverged, "the solver stopped early: \(solution.stopReason.explanation)")
    let residual = b - matrix.matmul(expected)
    law.expectClose(solution.residual, residual, rtol: 0, atol: tolerance, "the residual")
    let pull = (expected - shift) * problem.damping
    law.expectClose(
      solution.residualNorm, (residual.square().sum() + pull.square().sum()).sqrt().item(), rtol: 0,
      atol: tolerance, "the residual's norm")
    law.expect(
      solution.normalResidualNorm < tolerance, "the gradient has the norm \(solution.normalResidualNorm)")
    law.expect(solution.damping == problem.damping, "the damping is \(solution.damping)")
    let isConsistent = problem.damping == 0 && problem.rank == problem.rows
    law.expect(solution.isConsistent == isConsistent, "isConsistent is \(solution.isConsistent)")
  }

  func preparedOperatorsHaveTheSameSolutions(_ problem: Problem) throws {
    let law = law("a prepared operator has the same solutions", problem)
    let ((left, right), b) = (problem.factors(), problem.rightHandSide())
    let g = Tensor((1...problem.columns).map { Double($0) })
    let prepared = try solver.prepare(MatrixOperator(left.matmul(right)), like: b)
    let expected = try denseSolution(left, right, b, damping: delta(problem))
    let solution = try prepared.solve(b, damping: problem.damping, from: nil)
    law.expectClose(solution.x, expected, rtol: 0, atol: tolerance, "x")
    let adjoint = try prepared.solveAdjoint(g, damping: problem.damping)
    let transposed = try denseSolution(right.transposed(), left.transposed(), g, damping: delta(problem))
    law.expectClose(adjoint.x, transposed, rtol: 0, atol: tolerance, "the solution with Aᵀ")
    let residual = g - right.transposed().matmul(left.transposed().matmul(transposed))
    law.expectClose(
      adjoint.residualNorm,
      (residual.square().sum() + (transposed * problem.damping).square().sum()).sqrt().item(), rtol: 0,
      atol: tolerance, "the norm of the residual with Aᵀ")
  }

  func solutionsHaveGradients(_ problem: Problem) throws {
    let law = law("solutions have the gradients of the dense one", problem)
    let (left, right) = problem.factors()
    let variables = [left.variable(), right.variable(), problem.rightHandSide().variable()]
    var generator = RandomGenerator(seed: 3)
    let cotangent = generator.normal([problem.columns], dtype: .float64)
    let actual = try leastSquares(
      MatrixOperator(variables[0].matmul(variables[1])), variables[2], damping: problem.damping, solver: solver
    ).x
    let expected = try denseSolution(variables[0], variables[1], variables[2], damping: delta(problem))
    let slopes = try gradients(of: expected, withRespectTo: variables, seed: cotangent)
    for (index, (mine, theirs)) in zip(
      try gradients(of: actual, withRespectTo: variables, seed: cotangent), slopes
    ).enumerated() {
      law.expectClose(
        mine, theirs, rtol: 0, atol: 100 * tolerance * max(1, theirs.norm()), "the gradient in input \(index)")
    }
  }

  func wrongInputIsRefused() {
    let law = Law("wrong input is refused", of: solver, at: location)
    let a = MatrixOperator(Problem(rows: 5, columns: 3, rank: 3).matrix())
    let b = Tensor.ones([5], dtype: .float64)
    func expectRefusal(_ detail: String, _ b: Tensor, damping: Double = 0, from x0: Tensor? = nil) {
      law.expectError(LeastSquaresError.self, detail) { _ = try solver.solve(a, b, damping: damping, from: x0) }
    }
    expectRefusal("a right-hand side of another length", .ones([3], dtype: .float64))
    expectRefusal("a starting point of another length", b, from: b)
    expectRefusal("a right-hand side that is not finite", b * Double.nan)
    expectRefusal("negative damping", b, damping: -1)
    expectRefusal("integers", Tensor([1, 2, 3, 4, 5]))
  }
}
