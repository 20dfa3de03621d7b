import LeastSquares
import TestSupport
import Testing
import Torch

/// The solvers beside each other.
@Suite struct SolverAgreementTests {
  @Test(arguments: Problem.grid, [false, true])
  func iterativeAndDirectSolutionsAgree(_ problem: Problem, _ starts: Bool) throws {
    let (a, b) = (MatrixOperator(problem.matrix()), problem.rightHandSide())
    let x0 = starts ? Tensor((0..<problem.columns).map { Double($0) }) : nil
    let iterated = try LSMR(tolerance: 1e-15).solve(a, b, damping: problem.damping, from: x0)
    let direct = try DenseSolver().solve(a, b, damping: problem.damping, from: x0)
    #expect(iterated.stopReason.isConverged)
    // Damping leaves directions without singular values alone, so the condition number is 4 in all cases.
    expectClose(iterated.x, direct.x, rtol: 0, atol: 1e-11)
    expectClose(iterated.residual, direct.residual, rtol: 0, atol: 1e-11)
    expectClose(iterated.residualNorm, direct.residualNorm, rtol: 0, atol: 1e-11)
    #expect(iterated.normalResidualNorm < 1e-12 && direct.normalResidualNorm < 1e-12)
    #expect(direct.stopReason == .direct && direct.iterations == 0)
    let isConsistent = problem.damping == 0 && problem.rank == problem.rows
    #expect(direct.isConsistent == isConsistent && iterated.isConsistent == isConsistent)
    let automatic = try AutomaticSolver().solve(a, b, damping: problem.damping, from: x0)
    expectIdentical(automatic.x, direct.x)
  }

  @Test func preparedSolversSolveWithBothSides() throws {
    let problem = Problem(rows: 7, columns: 4, rank: 3)
    let (a, b, g) = (MatrixOperator(problem.matrix()), problem.rightHandSide(), Tensor([1.0, 2, 3, 4]))
    for solver in [LSMR(tolerance: 1e-15), DenseSolver(), .automatic] as [any LeastSquaresSolver] {
      let prepared = try solver.prepare(a, like: b)
      for damping in [0, 0.5] {
        expectClose(
          try prepared.solve(b, damping: damping, from: nil).x, try DenseSolver().solve(a, b, damping: damping).x,
          rtol: 0,
          atol: 1e-12)
        let adjoint = try prepared.solveAdjoint(g, damping: damping)
        let direct = try DenseSolver().solve(MatrixOperator(a.matrix.transposed()), g, damping: damping)
        expectClose(adjoint.x, direct.x, rtol: 0, atol: 1e-12)
        expectClose(adjoint.residualNorm, direct.residualNorm, rtol: 1e-12, atol: 0)
      }
    }
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
