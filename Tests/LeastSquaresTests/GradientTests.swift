import LeastSquares
import TestSupport
import Testing
import Torch

@Suite struct LeastSquaresGradientTests {
  static let solvers: [any LeastSquaresSolver & Sendable] = [
    LSMR(tolerance: 1e-15), DenseSolver(), AutomaticSolver(iterative: LSMR(tolerance: 1e-15)),
  ]

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

  @Test(arguments: Problem.grid, solvers.indices)
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

  @Test(arguments: Problem.grid.filter { $0.damping == 0 || $0.damping >= 0.1 }, solvers.indices)
  func derivativesMatchDifferences(_ problem: Problem, _ solver: Int) throws {
    expectGradient(of: solution(problem, Self.solvers[solver]), at: inputs(problem), order: 2)
  }

  @Test func gradientsInTheStartMatchDifferences() throws {
    let problem = Problem(rows: 4, columns: 6, rank: 3)
    var generator = RandomGenerator(seed: 8)
    let start = generator.normal([6], dtype: .float64)
    for damping in [0, 0.3] {
      expectGradient(
        of: { inputs in
          try leastSquares(
            MatrixOperator(inputs[0].matmul(inputs[1])), inputs[2], damping: damping, from: inputs[3],
            solver: LSMR(tolerance: 1e-15)
          ).x
        }, at: inputs(problem) + [start], order: 2)
    }
  }

  /// Products of A(θ) that are not recorded in the forward pass, so that only the custom derivative can give a gradient.
  private final class Counted: LinearOperator {
    let base: MatrixOperator
    var products = 0
    var recordedProducts = 0
    var handles = 0

    init(_ matrix: Tensor) { base = MatrixOperator(matrix) }

    var rows: Int { base.rows }
    var columns: Int { base.columns }
    var parameters: [Tensor] { base.parameters }

    private func count() {
      products += 1
      if gradientsAreRecorded { recordedProducts += 1 }
      handles = max(handles, Engine.liveHandlesOfThread)
    }
    func apply(_ x: Tensor, _ parameters: [Tensor]) throws -> Tensor {
      count()
      return try base.apply(x, parameters)
    }
    func applyAdjoint(_ y: Tensor, _ parameters: [Tensor]) throws -> Tensor {
      count()
      return try base.applyAdjoint(y, parameters)
    }
  }

  @Test func iterationsAreNotDifferentiated() throws {
    let problem = Problem(rows: 9, columns: 6, rank: 6)
    let a = Counted(problem.matrix().variable())
    let b = problem.rightHandSide().variable()
    let solution = try leastSquares(a, b, damping: 0.1, solver: LSMR(tolerance: 1e-14))
    #expect(solution.iterations > 3)
    #expect(a.products == 2 * solution.iterations + 3)
    #expect(a.recordedProducts == 0, "the products of the iterations are not recorded")
    a.products = 0
    _ = try gradients(of: solution.x.sum(), withRespectTo: [a.base.matrix, b])
    // Differentiating the iterations would take no product of the operator: they come from the custom derivative's one solve.
    #expect(a.products > 6 && a.recordedProducts == 2, "\(a.products) products, \(a.recordedProducts) recorded")
  }

  @Test(arguments: [
    // Which solves a gradient takes beside λ: none if A is square and regular or if only b's gradient is wanted.
    (Problem(rows: 6, columns: 6, rank: 6), true, 1), (Problem(rows: 9, columns: 6, rank: 6), true, 2),
    (Problem(rows: 6, columns: 9, rank: 6), true, 2), (Problem(rows: 8, columns: 9, rank: 5), true, 3),
    (Problem(rows: 9, columns: 6, rank: 6, damping: 0.1), true, 1), (Problem(rows: 9, columns: 6, rank: 6), false, 1),
  ])
  func gradientTakesAsFewSolvesAsSuffice(_ problem: Problem, _ needsMatrix: Bool, _ expected: Int) throws {
    let solver = CountingSolver()
    let matrix = needsMatrix ? problem.matrix().variable() : problem.matrix()
    let b = problem.rightHandSide().variable()
    let x = try leastSquares(MatrixOperator(matrix), b, damping: problem.damping, solver: solver).x
    #expect(solver.solves == 1)
    _ = try gradients(of: x.sum(), withRespectTo: needsMatrix ? [matrix, b] : [b])
    #expect(solver.solves == 1 + expected)
  }

  private final class CountingSolver: LeastSquaresSolver {
    var solves = 0

    func solve(
      _ a: any LinearOperator, _ b: Tensor, damping: Double, from x0: Tensor?
    ) throws -> LeastSquaresSolution {
      solves += 1
      return try LSMR(tolerance: 1e-14).solve(a, b, damping: damping, from: x0)
    }
  }

  @Test func memoryDoesNotGrowWithIterations() throws {
    let problem = Problem(rows: 60, columns: 50, rank: 50)
    let matrix = problem.matrix(condition: 1e3)
    /// The largest number of tensors alive in any product, forward and backward, and those left after the forward pass.
    func tensors(_ iterations: Int) throws -> [Int] {
      let a = Counted(matrix.variable())
      let b = problem.rightHandSide().variable()
      let before = Engine.liveHandlesOfThread
      let solver = LSMR(atol: 0, btol: 0, conditionLimit: 0, iterationLimit: iterations)
      let x = try leastSquares(a, b, solver: solver, acceptsEarlyStop: true).x
      let forward = a.handles - before
      let kept = Engine.liveHandlesOfThread - before
      a.handles = 0
      _ = try gradients(of: x.sum(), withRespectTo: [a.base.matrix, b])
      #expect(a.products > 4 * iterations)
      return [forward, kept, a.handles - before]
    }
    let few = try tensors(5)
    #expect(try tensors(40) == few)
  }

  @Test func solvesLeaveNothingBehind() throws {
    let problem = Problem(rows: 7, columns: 5, rank: 3)
    for damping in [0, 0.1] {
      try expectNoLeaks {
        let matrix = problem.matrix().variable()
        let b = problem.rightHandSide().variable()
        let delta = Tensor(damping, dtype: .float64).variable()
        let x = try leastSquares(MatrixOperator(matrix), b, damping: delta, solver: LSMR(tolerance: 1e-14)).x
        let first = try gradients(of: x.square().sum(), withRespectTo: [matrix, b], createGraph: true)
        _ = try gradients(of: first[0].square().sum(), withRespectTo: [matrix, b, delta])
      }
    }
  }

  @Test func innerSolvesThatStopEarlyAreErrors() throws {
    let problem = Problem(rows: 30, columns: 20, rank: 20)
    let matrix = problem.matrix(condition: 100).variable()
    let b = problem.rightHandSide().variable()
    let solver = LSMR(tolerance: 1e-12, iterationLimit: 3)
    let solution = try leastSquares(MatrixOperator(matrix), b, solver: solver)
    #expect(solution.stopReason == .iterationLimit)
    #expect(solution.warnings.first == .notConverged(.iterationLimit, iterations: 3))
    #expect(throws: LeastSquaresWarning.notConverged(.iterationLimit, iterations: 3)) {
      try gradients(of: solution.x.sum(), withRespectTo: [b])
    }
    let accepted = try leastSquares(MatrixOperator(matrix), b, solver: solver, acceptsEarlyStop: true)
    #expect(try gradients(of: accepted.x.sum(), withRespectTo: [b])[0].allFinite)
  }

  @Test func gradientsReachTheParametersOfEveryOperator() throws {
    var generator = RandomGenerator(seed: 4)
    func normal(_ shape: Int...) -> Tensor { generator.normal(shape, dtype: .float64) }
    let (weights, point, diagonal, factor) = (normal(5, 3), normal(3), normal(3), normal(1))
    let b = normal(8)
    expectGradient(
      of: { inputs in
        let jacobian = try JacobianOperator(at: [inputs[1]], parameters: [inputs[0]]) { point, parameters in
          parameters[0].matmul(point[0].sin()).tanh()
        }
        let scaled = ScaledOperator(ComposedOperator(jacobian, DiagonalOperator(inputs[2])), by: inputs[3])
        let sparse = try SparseOperator(
          rowIndices: [0, 1, 2], columnIndices: [2, 0, 1], values: inputs[2].square(), rows: 3, columns: 3)
        return try leastSquares(
          StackedOperator([scaled, sparse]), inputs[4], damping: 0.2, solver: LSMR(tolerance: 1e-15)
        ).x
      }, at: [weights, point, diagonal, factor, b], order: 2)
  }

  @Test func singlePrecisionGradientsAreCloseToDoubleOnes() throws {
    for problem in Problem.grid where problem.damping != 1e-3 {
      let (matrix, b) = (problem.matrix(), problem.rightHandSide())
      func gradient(_ dtype: DType, _ solver: any LeastSquaresSolver) throws -> Tensor {
        let variables = [matrix.to(dtype).variable(), b.to(dtype).variable()]
        let x = try leastSquares(
          MatrixOperator(variables[0]), variables[1], damping: problem.damping, solver: solver
        ).x
        return Tensor.flatten(try gradients(of: x.square().sum(), withRespectTo: variables))
      }
      // A full rank only: in single precision the smallest of the other singular values is not 0 but rounding error.
      if problem.rank < min(problem.rows, problem.columns), problem.damping == 0 { continue }
      let expected = try gradient(.float64, DenseSolver())
      for solver in [LSMR(tolerance: 1e-6), DenseSolver()] as [any LeastSquaresSolver] {
        let actual = try gradient(.float32, solver)
        #expect((actual.to(.float64) - expected).norm() < 2e-3 * expected.norm(), "\(problem) by \(solver)")
      }
    }
  }

  @Test func jacobiansAreTakenInThePointAlone() throws {
    let w = Tensor([2.0, 3]).variable()
    let ones = Tensor([1.0, 1])
    let shared = try JacobianOperator(at: [w], parameters: [w]) { point, parameters in point[0] * parameters[0] }
    let captured = try JacobianOperator(at: w) { $0 * w }
    let twice = try JacobianOperator(at: [w, w]) { point, _ in point[0].square() * point[1] }
    for operation in [shared, captured, twice] as [JacobianOperator] {
      let x = operation.columns == 2 ? ones : Tensor([1.0, 1, 0, 0])
      let plain = try withoutGradients { try operation.apply(x) }
      expectClose(try operation.apply(x), plain)
      expectClose(try operation.applyAdjoint(ones), try withoutGradients { try operation.applyAdjoint(ones) })
    }
    // Both occurrences of θ count in the gradient: J = diag(w), x = b/w.
    let x = try leastSquares(shared, Tensor([4.0, 9]), solver: LSMR(tolerance: 1e-15)).x
    expectClose(x, Tensor([2.0, 3]))
    expectClose(x.sum().gradient(withRespectTo: w), Tensor([-1.0, -1]))
  }

  @Test func secondDerivativeInDampingIsThereWithoutDamping() throws {
    for needsMatrix in [true, false] {
      let matrix = needsMatrix ? Tensor([[2]]).to(.float64).variable() : Tensor([[2]]).to(.float64)
      let delta = Tensor(0, dtype: .float64).variable()
      let x = try leastSquares(MatrixOperator(matrix), Tensor([3.0]), damping: delta, solver: LSMR(tolerance: 1e-15)).x
      let first = try gradients(of: x.sum(), withRespectTo: [delta], createGraph: true)[0]
      expectClose(first.item(), 0)
      // x = 2·3/(4 + δ²), so d²x/dδ² = −2·6/16.
      expectClose(first.gradient(withRespectTo: delta).item(), -0.75)
    }
  }

  @Test func smallResidualsCountInDirectGradients() throws {
    let problem = Problem(rows: 60, columns: 30, rank: 30)
    let matrix = problem.matrix(condition: 1e4)
    var generator = RandomGenerator(seed: 6)
    let noise = generator.normal([60], dtype: .float64) * 1e-6
    let b = matrix.matmul(generator.normal([30], dtype: .float64)) + noise
    func gradient(_ dtype: DType) throws -> Tensor {
      let variable = matrix.to(dtype).variable()
      let x = try leastSquares(MatrixOperator(variable), b.to(dtype), solver: DenseSolver()).x
      return x.sum().gradient(withRespectTo: variable).to(.float64)
    }
    let expected = try gradient(.float64)
    #expect((try gradient(.float32) - expected).norm() < 0.05 * expected.norm())
  }

  @Test func gradientsOfCoarseSolvesAreAsGoodAsTheSolves() throws {
    let problem = Problem(rows: 40, columns: 20, rank: 20, damping: 1e-2)
    let matrix = problem.matrix(condition: 10)
    let b = problem.rightHandSide()
    func gradient(_ solver: any LeastSquaresSolver) throws -> [Tensor] {
      let inputs = [matrix.variable(), Tensor(problem.damping, dtype: .float64).variable()]
      let x = try leastSquares(MatrixOperator(inputs[0]), b, damping: inputs[1], solver: solver).x
      return try gradients(of: x.sum(), withRespectTo: inputs)
    }
    let expected = try gradient(DenseSolver())
    for (actual, expected) in zip(try gradient(LSMR(tolerance: 1e-6)), expected) {
      #expect((actual - expected).norm() < 1e-3 * expected.norm())
    }
  }

  @Test func operatorsOfAnotherElementTypeAreErrors() throws {
    let sparse = try SparseOperator(
      rowIndices: [0, 1], columnIndices: [0, 1], values: Tensor([1, 2] as [Float]), rows: 2, columns: 2)
    let b = Tensor([1.0, 2])
    let diagonal = DiagonalOperator(Tensor([1.0, 2]))
    for solver in Self.solvers {
      #expect(throws: LeastSquaresError.self) { try solver.solve(sparse, b) }
      #expect(throws: LeastSquaresError.self) { try solver.solve(diagonal, Tensor.zeros([2])) }
    }
    #expect(throws: LeastSquaresError.self) { try Spectrum.estimate(of: diagonal, like: Tensor.zeros([2])) }
    #expect(throws: LeastSquaresError.self) { try Spectrum.estimate(of: diagonal, like: b, stepLimit: 0) }
    #expect(throws: LeastSquaresError.self) {
      try SparseOperator(rowIndices: [], columnIndices: [], values: Tensor([] as [Float]), rows: .max, columns: 1)
    }
  }
}
