import LeastSquares
import TestSupport
import Testing
import Torch

/// The solvers beside each other.
@Suite struct SolverAgreementTests {
  /// Damping leaves directions without singular values alone, so the condition number is 4 in all cases.
  @Test(arguments: LeastSquaresGradientTests.solvers.indices) func solversKeepTheirLaws(_ index: Int) throws {
    try expectSolverLaws(of: LeastSquaresGradientTests.solvers[index], tolerance: 1e-11)
  }

  @Test(arguments: Problem.grid, [false, true])
  func smallProblemsAreSolvedDirectly(_ problem: Problem, _ starts: Bool) throws {
    let (a, b) = (MatrixOperator(problem.matrix()), problem.rightHandSide())
    let x0 = starts ? Tensor((0..<problem.columns).map { Double($0) }) : nil
    let direct = try DenseSolver().solve(a, b, damping: problem.damping, from: x0)
    #expect(direct.stopReason == .direct && direct.iterations == 0)
    #expect(try LSMR(tolerance: 1e-15).solve(a, b, damping: problem.damping, from: x0).stopReason != .direct)
    let automatic = try AutomaticSolver().solve(a, b, damping: problem.damping, from: x0)
    expectIdentical(automatic.x, direct.x)
  }

  private func shape(_ rows: Int, _ columns: Int, productCost: Double? = nil) -> FunctionOperator {
    FunctionOperator(rows: rows, columns: columns, productCost: productCost) { x, _ in x }
  }

  @Test func costDecidesHowToSolve() {
    let solver = AutomaticSolver()
    // Small, or with a short side, where a few products make the matrix.
    #expect(solver.solvesDirectly(shape(10, 10)) && solver.solvesDirectly(shape(2_000, 5)))
    #expect(solver.solvesDirectly(shape(8, 1_000)))
    // Large: decomposing grows with the third power.
    #expect(!solver.solvesDirectly(shape(3_000, 3_000)))
    // A cheap product favours iterations, an expensive one the direct way, which needs fewer of them.
    #expect(!solver.solvesDirectly(shape(1_000, 1_000, productCost: 5_000)))
    #expect(solver.solvesDirectly(shape(50, 50, productCost: 1e9)))
    // Beyond memory whatever it costs.
    #expect(!solver.solvesDirectly(shape(8, 1 << 30, productCost: 1e15)))
    #expect(!solver.solvesDirectly(shape(.max, .max)))
    #expect(!AutomaticSolver(largestMatrix: 99).solvesDirectly(shape(10, 10)))
  }

  @Test func automaticSolverUsesItsIterations() throws {
    let problem = Problem(rows: 10, columns: 10, rank: 10)
    let (a, b) = (MatrixOperator(problem.matrix()), problem.rightHandSide())
    let solver = AutomaticSolver(iterative: LSMR(tolerance: 0, iterationLimit: 3), largestMatrix: 99)
    let solution = try solver.solve(a, b)
    #expect(solution.stopReason == .iterationLimit && solution.iterations == 3)
    #expect(try AutomaticSolver().solve(a, b).stopReason == .direct)
  }
}
