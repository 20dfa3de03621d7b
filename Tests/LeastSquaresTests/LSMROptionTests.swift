import LeastSquares
import TestSupport
import Testing
import Torch

/// The options of LSMR: reorthogonalisation, a scaling of columns, a start.
@Suite struct LSMROptionTests {
  // MARK: Reorthogonalisation

  private static let hard = Problem(rows: 40, columns: 30, rank: 30)

  /// The right vectors of the iterations, normalised, as the operator gets to see them.
  private func rightVectors(_ solver: LSMR, condition: Double) throws -> (v: Tensor, solution: LeastSquaresSolution) {
    let matrix = Self.hard.matrix(condition: condition)
    var vectors: [Tensor] = []
    let a = FunctionOperator(
      rows: 40, columns: 30, adjoint: { y, _ in matrix.transposed().matmul(y) },
      { x, _ in
        vectors.append(x / x.norm())
        return matrix.matmul(x)
      })
    let solution = try solver.solve(a, Self.hard.rightHandSide())
    // The last product is the residual's.
    return (Tensor.stack(vectors.dropLast()), solution)
  }

  /// max |vᵢ·vⱼ| for 0 < |i − j| ≤ distance.
  private func largestOverlap(_ v: Tensor, within distance: Int = 1_000) -> Double {
    let (gram, count) = (v.matmul(v.transposed()).elements(as: Double.self), v.size(0))
    var largest = 0.0
    for i in 0..<count {
      for j in max(0, i - distance)..<i { largest = max(largest, gram[i * count + j].magnitude) }
    }
    return largest
  }

  @Test func reorthogonalizationKeepsVectorsOrthogonal() throws {
    let solver = LSMR(atol: 1e-9, btol: 1e-9, conditionLimit: 0, reorthogonalization: 30)
    let (v, solution) = try rightVectors(solver, condition: 1e5)
    #expect(solution.stopReason == .leastSquaresTolerance)
    #expect(v.size(0) == solution.iterations && solution.iterations <= 30)
    #expect(largestOverlap(v) < 1e-10)
    let (lost, _) = try rightVectors(LSMR(atol: 1e-9, btol: 1e-9, conditionLimit: 0), condition: 1e5)
    #expect(largestOverlap(lost) > 0.1)
  }

  @Test(arguments: [1, 4])
  func localReorthogonalizationReachesAsFarAsAskedFor(_ count: Int) throws {
    let solver = LSMR(atol: 1e-9, btol: 1e-9, conditionLimit: 0, reorthogonalization: count)
    let (v, _) = try rightVectors(solver, condition: 1e5)
    #expect(largestOverlap(v, within: count) < 1e-10)
    #expect(largestOverlap(v) > 1e-6)
  }

  @Test func reorthogonalizationSavesIterations() throws {
    let matrix = MatrixOperator(Self.hard.matrix(condition: 1e5))
    let b = Self.hard.rightHandSide()
    let plain = try LSMR(tolerance: 1e-11).solve(matrix, b)
    var solver = LSMR(tolerance: 1e-11)
    solver.reorthogonalization = 30
    let orthogonal = try solver.solve(matrix, b)
    #expect(plain.stopReason.isConverged && orthogonal.stopReason.isConverged)
    #expect(orthogonal.iterations <= 31 && plain.iterations > 60)
    #expect((orthogonal.x - plain.x).norm() < 1e-4 * plain.x.norm())
  }

  @Test func reorthogonalizationChangesNothingButRounding() throws {
    let problem = Problem(rows: 12, columns: 9, rank: 9)
    let (a, b) = (MatrixOperator(problem.matrix()), problem.rightHandSide())
    var solver = LSMR(tolerance: 1e-8)
    let plain = try solver.solve(a, b, damping: 0.1)
    solver.reorthogonalization = 100
    let orthogonal = try solver.solve(a, b, damping: 0.1)
    #expect(plain.iterations == orthogonal.iterations)
    expectClose(orthogonal.x, plain.x, rtol: 1e-9, atol: 1e-12)
    expectClose(orthogonal.condition, plain.condition, rtol: 1e-6, atol: 0)
  }

  // MARK: Multipliers

  @Test(arguments: [(12, 9, 9), (9, 12, 9), (9, 12, 5)], [(0, false), (0, true), (0.1, false), (0.1, true)])
  func solutionIsTheImageOfTheMultipliers(
    _ size: (rows: Int, columns: Int, rank: Int), _ settings: (damping: Double, starts: Bool)
  ) throws {
    let (damping, starts) = settings
    let problem = Problem(rows: size.rows, columns: size.columns, rank: size.rank)
    let (a, b) = (MatrixOperator(problem.matrix()), problem.rightHandSide())
    let x0 = starts ? Tensor.ones([size.columns], dtype: .float64) : nil
    var solver = LSMR(tolerance: 1e-10)
    let plain = try solver.solve(a, b, damping: damping, from: x0)
    #expect(plain.multipliers == nil)
    solver.tracksMultipliers = true
    let solution = try solver.solve(a, b, damping: damping, from: x0)
    expectIdentical(solution.x, plain.x)
    let image = try a.applyAdjoint(try #require(solution.multipliers))
    expectClose(x0.map { $0 + image } ?? image, solution.x, rtol: 1e-8, atol: 1e-10)
  }

  @Test func multipliersOfASolvedProblemAreZero() throws {
    let a = MatrixOperator(Problem(rows: 9, columns: 12, rank: 9).matrix())
    var solver = LSMR()
    solver.tracksMultipliers = true
    expectIdentical(
      try #require(solver.solve(a, .zeros([9], dtype: .float64)).multipliers), .zeros([9], dtype: .float64))
    solver.reorthogonalization = 2
    #expect(throws: LeastSquaresError.self) { try solver.solve(a, .zeros([9], dtype: .float64)) }
  }

  @Test(
    arguments: [
      LSMR(tolerance: 1e-10), AutomaticSolver(), AutomaticSolver(largestMatrix: 0), DenseSolver(),
    ] as [any LeastSquaresSolver & Sendable])
  func solversThatKnowMultipliersTrackThemOnDemand(_ solver: any LeastSquaresSolver & Sendable) throws {
    let (a, b) = (MatrixOperator(Self.hard.matrix()), Self.hard.rightHandSide())
    #expect((solver.trackingMultipliers == nil) == (solver is DenseSolver))
    guard let tracking = solver.trackingMultipliers else { return }
    let (solution, plain) = (try tracking.solve(a, b), try solver.solve(a, b))
    expectIdentical(solution.x, plain.x)
    #expect(plain.multipliers == nil && (solution.multipliers == nil) == (solution.stopReason == .direct))
  }

  @Test func multipliersAreNotKnownUnderReorthogonalization() {
    let solver = LSMR(reorthogonalization: 1)
    #expect(solver.trackingMultipliers == nil && AutomaticSolver(iterative: solver).trackingMultipliers == nil)
  }

  // MARK: Residuals

  @Test(arguments: [(12, 9, 9), (9, 12, 9), (9, 12, 5)], [(0, false), (0, true), (0.1, false), (0.1, true)])
  func carriedResidualsAreThoseOfTheSolution(
    _ size: (rows: Int, columns: Int, rank: Int), _ settings: (damping: Double, starts: Bool)
  ) throws {
    let (damping, starts) = settings
    let problem = Problem(rows: size.rows, columns: size.columns, rank: size.rank)
    let (matrix, b) = (problem.matrix(), problem.rightHandSide())
    let x0 = starts ? Tensor.ones([size.columns], dtype: .float64) : nil
    var products = 0
    let a = FunctionOperator(
      rows: size.rows, columns: size.columns,
      adjoint: { y, _ in
        products += 1
        return matrix.transposed().matmul(y)
      },
      { x, _ in
        products += 1
        return matrix.matmul(x)
      })
    for limit in [0, 1, 4] {
      products = 0
      let checked = try LSMR(tolerance: 0, iterationLimit: limit).solve(a, b, damping: damping, from: x0)
      let all = products
      products = 0
      let carried = try LSMR(tolerance: 0, iterationLimit: limit, checksSolution: false)
        .solve(a, b, damping: damping, from: x0)
      #expect(products == all - 2)
      #expect(carried.stopReason == checked.stopReason && carried.iterations == limit)
      expectIdentical(carried.x, checked.x)
      expectClose(carried.residual, checked.residual, rtol: 1e-12, atol: 1e-12)
      expectClose(carried.residualNorm, checked.residualNorm, rtol: 1e-12, atol: 0)
      expectClose(carried.normalResidualNorm, checked.normalResidualNorm, rtol: 1e-9, atol: 1e-12)
    }
  }

  @Test func carriedResidualOfASolvedProblemIsZero() throws {
    let a = MatrixOperator(Problem(rows: 9, columns: 12, rank: 9).matrix())
    let solution = try LSMR(tolerance: 1e-6, checksSolution: false).solve(a, .zeros([9], dtype: .float64))
    #expect(solution.stopReason == .startIsSolution && solution.isConsistent)
    expectIdentical(solution.residual, .zeros([9], dtype: .float64))
    #expect(solution.residualNorm == 0 && solution.normalResidualNorm == 0)
  }

  // MARK: Scaling of columns

  /// Columns of norms from 1 to 1e-4.
  private static func badlyScaled(_ problem: Problem) -> (matrix: Tensor, norms: Tensor) {
    let scales = (0..<problem.columns).map { Double.pow(10, -4 * Double($0) / Double(problem.columns - 1)) }
    let matrix = problem.matrix() * Tensor(scales)
    return (matrix, matrix.square().sum(0).sqrt())
  }

  @Test(arguments: [0, 1e-3], [false, true])
  func columnScalingKeepsTheMinimiser(_ damping: Double, _ starts: Bool) throws {
    let problem = Problem(rows: 20, columns: 12, rank: 12)
    let (matrix, norms) = Self.badlyScaled(problem)
    let (a, b) = (MatrixOperator(matrix), problem.rightHandSide())
    let x0 = starts ? Tensor.ones([12], dtype: .float64) : nil
    let scaled = try LSMR(tolerance: 1e-14).solve(a, b, damping: damping, from: x0, columnScaling: 1 / norms)
    let direct = try DenseSolver().solve(a, b, damping: damping, from: x0)
    #expect((scaled.x - direct.x).norm() < 1e-9 * direct.x.norm())
    expectClose(scaled.residualNorm, direct.residualNorm, rtol: 1e-12, atol: 0)
    // ‖Āᵀ·r̄‖ is that of the original system, not of the scaled one.
    let residual = b - matrix.matmul(scaled.x)
    let step = x0.map { scaled.x - $0 } ?? scaled.x
    let normal = (matrix.transposed().matmul(residual) - step * (damping * damping)).norm()
    expectClose(scaled.normalResidualNorm, normal, rtol: 1e-6, atol: 1e-15)
    expectClose(scaled.residual, residual, rtol: 0, atol: 1e-13)
  }

  @Test func columnScalingSavesIterations() throws {
    let problem = Problem(rows: 20, columns: 12, rank: 12)
    let (matrix, norms) = Self.badlyScaled(problem)
    let (a, b) = (MatrixOperator(matrix), problem.rightHandSide())
    let plain = try LSMR(tolerance: 1e-10).solve(a, b)
    let scaled = try LSMR(tolerance: 1e-10).solve(a, b, columnScaling: 1 / norms)
    #expect(plain.stopReason.isConverged && scaled.stopReason.isConverged)
    #expect(scaled.iterations <= 14 && plain.iterations >= 2 * scaled.iterations)
    #expect(scaled.condition < 100 && plain.condition > 1000)
  }

  @Test(arguments: [false, true])
  func columnScalingChoosesTheNormOfWideProblems(_ starts: Bool) throws {
    let problem = Problem(rows: 4, columns: 7, rank: 4)
    let (matrix, b) = (problem.matrix(), problem.rightHandSide())
    let m = Tensor((1...7).map { Double($0) })
    let x0 = starts ? Tensor.ones([7], dtype: .float64) : nil
    let solution = try LSMR(tolerance: 1e-14).solve(MatrixOperator(matrix), b, from: x0, columnScaling: m)
    // x = x₀ + M·z, and z = M⁻¹·(x − x₀) of least norm solves A·M·z = b − A·x₀.
    let target = x0.map { b - matrix.matmul($0) } ?? b
    let step = m * (try DenseSolver().solve(MatrixOperator(matrix * m), target).x)
    expectClose(solution.x, x0.map { $0 + step } ?? step, rtol: 0, atol: 1e-11)
    #expect(solution.residualNorm < 1e-11 && solution.isConsistent)
    let plain = try LSMR(tolerance: 1e-14).solve(MatrixOperator(matrix), b, damping: 0, from: x0)
    #expect((plain.x - solution.x).norm() > 0.01)
  }

  // MARK: Start

  @Test(arguments: [(9, 5), (5, 9)], [0, 0.3])
  func startIsWhatTheSolutionIsNearTo(_ shape: (Int, Int), _ damping: Double) throws {
    let problem = Problem(rows: shape.0, columns: shape.1, rank: min(shape.0, shape.1))
    let (matrix, b) = (problem.matrix(), problem.rightHandSide())
    let x0 = Tensor((0..<shape.1).map { Double($0) - 2 })
    let started = try LSMR(tolerance: 1e-14).solve(MatrixOperator(matrix), b, damping: damping, from: x0)
    let shifted = try LSMR(tolerance: 1e-14).solve(MatrixOperator(matrix), b - matrix.matmul(x0), damping: damping)
    expectClose(started.x, x0 + shifted.x, rtol: 0, atol: 1e-11)
    // The residual's part that the minimiser does not reach is the same; ‖Ā·x − b̄‖ counts the distance from the start.
    expectClose(started.residualNorm, shifted.residualNorm, rtol: 1e-11, atol: 1e-11)
  }

  @Test func goodStartSavesIterations() throws {
    let problem = Problem(rows: 40, columns: 30, rank: 30)
    let (a, b) = (MatrixOperator(problem.matrix(condition: 50)), problem.rightHandSide())
    let solver = LSMR(tolerance: 1e-6)
    let cold = try solver.solve(a, b)
    let warm = try solver.solve(a, b, damping: 0, from: cold.x)
    #expect(warm.iterations < cold.iterations / 2)
    #expect(warm.normalResidualNorm <= cold.normalResidualNorm)
  }
}
