import LeastSquares
import TestSupport
import Testing
import Torch

@Suite struct LeastSquaresGradientTests {
  static let solvers: [any LeastSquaresSolver & Sendable] = [LSMR(tolerance: 1e-15), DenseSolver()]

  /// x as a function of the factors of A, b and, if there is damping, δ.
  private func solution(_ problem: Problem, _ solver: any LeastSquaresSolver) -> ([Tensor]) throws -> Tensor {
    { inputs in
      let a = MatrixOperator(inputs[0].matmul(inputs[1]))
      if problem.damping == 0 { return try leastSquares(a, inputs[2], solver: solver).x }
      return try leastSquares(a, inputs[2], damping: inputs[3], solver: solver).x
    }
  }

  private func inputs(_ problem: Problem) -> [Tensor] {
    let (l, r) = problem.factors()
    return [l, r, problem.rightHandSide()] + (problem.damping == 0 ? [] : [Tensor(problem.damping, dtype: .float64)])
  }

  @Test(arguments: Problem.grid, [0, 1])
  func gradientMatchesDenseSolve(_ problem: Problem, _ solver: Int) throws {
    var generator = RandomGenerator(seed: 3)
    let variables = inputs(problem).map { $0.variable() }
    let cotangent = generator.normal([problem.columns], dtype: .float64)
    let actual = try solution(problem, Self.solvers[solver])(variables)
    let expected = try denseSolution(
      variables[0], variables[1], variables[2], damping: problem.damping == 0 ? nil : variables[3])
    expectClose(actual, expected, rtol: 1e-8, atol: 1e-8)
    let mine = try gradients(of: actual, withRespectTo: variables, seed: cotangent)
    let theirs = try gradients(of: expected, withRespectTo: variables, seed: cotangent)
    for (index, (mine, theirs)) in zip(mine, theirs).enumerated() {
      let error = (mine - theirs).norm() / max(theirs.norm(), 1e-300)
      #expect(error < 1e-7, "input \(index): off by \(error) of \(theirs.norm())")
    }
  }
}
