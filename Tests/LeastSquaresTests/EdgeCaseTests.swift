import LeastSquares
import TestSupport
import Testing
import Torch

/// Problems at the edge of what is one: zeros, empty sizes, extreme magnitudes, and operators that hand out what they keep.
@Suite struct LSMREdgeCaseTests {
  private static let problems = [(7, 4), (4, 7), (5, 5)].map { Problem(rows: $0, columns: $1, rank: min($0, $1)) }

  private static func matrix(_ rows: Int, _ columns: Int, _ elements: [Double]) -> MatrixOperator {
    MatrixOperator(Tensor(elements, shape: [rows, columns]))
  }

  // MARK: Zeros

  @Test(arguments: problems, [0, 0.5])
  func zeroRightHandSideHasTheSolutionZero(_ problem: Problem, _ damping: Double) throws {
    let b = Tensor.zeros([problem.rows], dtype: .float64)
    let solution = try LSMR().solve(MatrixOperator(problem.matrix()), b, damping: damping)
    expectIdentical(solution.x, Tensor.zeros([problem.columns], dtype: .float64))
    expectIdentical(solution.residual, b)
    #expect(solution.stopReason == .startIsSolution && solution.isConsistent && solution.iterations == 0)
    #expect(solution.residualNorm == 0 && solution.normalResidualNorm == 0 && solution.condition == 1)
    #expect(solution.warnings.isEmpty)
    #expect(solution.spectrum.rank == 0 && solution.spectrum.condition == 1)
  }

  @Test(arguments: problems, [0, 0.5])
  func zeroRightHandSideKeepsTheStart(_ problem: Problem, _ damping: Double) throws {
    var generator = RandomGenerator(seed: 1)
    let (a, b) = (MatrixOperator(problem.matrix()), Tensor.zeros([problem.rows], dtype: .float64))
    let x0 = generator.normal([problem.columns], dtype: .float64)
    let solution = try LSMR(tolerance: 1e-14).solve(a, b, damping: damping, from: x0)
    let direct = try DenseSolver().solve(a, b, damping: damping, from: x0)
    expectClose(solution.x, direct.x, rtol: 0, atol: 1e-12)
    #expect((solution.x.norm() > 0.1) == (problem.rows < problem.columns || damping > 0))
  }

  @Test(arguments: [0, 0.5])
  func orthogonalRightHandSideHasTheSolutionZero(_ damping: Double) throws {
    let solution = try LSMR().solve(
      Self.matrix(3, 2, [1, 2, 3, 4, 0, 0]), Tensor([0.0, 0, 3]), damping: damping)
    expectIdentical(solution.x, Tensor([0.0, 0]))
    #expect(solution.stopReason == .startIsSolution && !solution.isConsistent && solution.warnings.isEmpty)
    #expect(solution.residualNorm == 3 && solution.normalResidualNorm == 0)
  }

  @Test func nearlyOrthogonalRightHandSideHasNearlyTheSolutionZero() throws {
    let problem = Problem(rows: 9, columns: 4, rank: 4)
    let (matrix, b) = (problem.matrix(), problem.rightHandSide())
    let residual = try DenseSolver().solve(MatrixOperator(matrix), b).residual
    let solution = try LSMR().solve(MatrixOperator(matrix), residual)
    #expect(solution.x.norm() < 1e-14 && solution.iterations <= 1)
    #expect(solution.stopReason.isConverged && !solution.isConsistent)
  }

  @Test(arguments: [0, 0.5])
  func zeroOperatorKeepsTheStart(_ damping: Double) throws {
    let zero = FunctionOperator(
      rows: 3, columns: 2, adjoint: { y, _ in Tensor.zeros([2], dtype: y.dtype) },
      { x, _ in Tensor.zeros([3], dtype: x.dtype) })
    let (b, x0) = (Tensor([1.0, 2, 2]), Tensor([5.0, -7]))
    let solution = try LSMR().solve(zero, b, damping: damping, from: x0)
    expectIdentical(solution.x, x0)
    expectIdentical(solution.residual, b)
    #expect(solution.stopReason == .startIsSolution && !solution.isConsistent)
    #expect(solution.residualNorm == 3 && solution.normalResidualNorm == 0 && solution.operatorNorm == 0)
    expectIdentical(try LSMR().solve(zero, b, damping: damping).x, Tensor([0.0, 0]))
  }

  @Test func startThatSolvesIsReturned() throws {
    let a = Self.matrix(2, 2, [2, 0, 0, 4])
    let solution = try LSMR().solve(a, Tensor([2.0, 8]), damping: 0, from: Tensor([1.0, 2]))
    expectIdentical(solution.x, Tensor([1.0, 2]))
    #expect(solution.stopReason == .startIsSolution && solution.isConsistent && solution.iterations == 0)
  }

  // MARK: Sizes

  @Test(arguments: [(0, 3), (3, 0), (0, 0)], [0, 0.5])
  func emptyOperatorsHaveSolutions(_ shape: (Int, Int), _ damping: Double) throws {
    let a = MatrixOperator(Tensor.zeros([shape.0, shape.1], dtype: .float64))
    let (b, x0) = (Tensor.ones([shape.0], dtype: .float64), Tensor.ones([shape.1], dtype: .float64))
    for solver in [LSMR(), DenseSolver(), .automatic] as [any LeastSquaresSolver] {
      expectIdentical(try solver.solve(a, b, damping: damping).x, Tensor.zeros([shape.1], dtype: .float64))
      let solution = try solver.solve(a, b, damping: damping, from: x0)
      expectIdentical(solution.x, x0)
      #expect(solution.residualNorm == b.norm() && solution.stopReason.isConverged)
      #expect(solution.spectrum.rank == 0 && (damping > 0 || solution.isConsistent == (shape.0 == 0)))
    }
  }

  @Test func oneByOneIsDivision() throws {
    let a = Self.matrix(1, 1, [-4])
    expectClose(try LSMR().solve(a, Tensor([6.0])).x, Tensor([-1.5]), rtol: 1e-15, atol: 0)
    expectClose(try LSMR().solve(a, Tensor([6.0]), damping: 2).x, Tensor([-1.2]), rtol: 1e-15, atol: 0)
    let started = try LSMR().solve(a, Tensor([6.0]), damping: 2, from: Tensor([5.0]))
    expectClose(started.x, Tensor([(-24 + 4 * 5) / 20.0]), rtol: 1e-14, atol: 0)
  }

  // MARK: Memory

  /// An operator that keeps every vector that passes through it, with a copy of its elements.
  private final class Keeper {
    enum Manner: CaseIterable { case whole, view, flattened, argument }
    let matrix: Tensor
    let manner: Manner
    private(set) var kept: [(tensor: Tensor, elements: [Double])] = []

    init(_ matrix: Tensor, _ manner: Manner) { (self.matrix, self.manner) = (matrix, manner) }

    var linearOperator: FunctionOperator {
      FunctionOperator(
        rows: matrix.size(0), columns: matrix.size(1),
        adjoint: { y, _ in self.keep(y, self.matrix.transposed()) }, { x, _ in self.keep(x, self.matrix) })
    }

    private func keep(_ x: Tensor, _ matrix: Tensor) -> Tensor {
      kept.append((x, x.elements()))
      var result = manner == .argument ? x : matrix.matmul(x)
      if manner == .view { result = Tensor.concatenate([result, result]) }
      if manner == .flattened { result = result.reshaped([1, -1]) }
      kept.append((result, result.elements()))
      switch manner {
      case .whole, .argument: return result
      case .view: return result[0..<matrix.size(0)]
      case .flattened: return result.flattened()
      }
    }

    var isUntouched: Bool { kept.allSatisfy { $0.tensor.elements() == $0.elements } }
  }

  @Test(arguments: Keeper.Manner.allCases, [0, 3])
  private func nothingOfTheCallersIsChanged(_ manner: Keeper.Manner, _ reorthogonalization: Int) throws {
    let matrix =
      manner == .argument ? Tensor.identity(6, dtype: .float64) : Problem(rows: 6, columns: 6, rank: 6).matrix()
    let keeper = Keeper(matrix, manner)
    let store = Problem(rows: 12, columns: 1, rank: 1).rightHandSide()
    let (b, x0, scaling) = (store[0..<6], store[6..<12], store[0..<6].abs() + 1)
    let before = (store.elements(as: Double.self), scaling.elements(as: Double.self))
    let solver = LSMR(atol: 1e-14, btol: 1e-14, reorthogonalization: reorthogonalization)
    var solutions: [LeastSquaresSolution] = []
    for x0 in [nil, x0] {
      for damping in [0, 0.5] {
        solutions.append(try solver.solve(keeper.linearOperator, b, damping: damping, from: x0))
        solutions.append(
          try solver.solve(keeper.linearOperator, b, damping: damping, from: x0, columnScaling: scaling))
      }
    }
    #expect(keeper.isUntouched && keeper.kept.count > 40)
    #expect(store.elements() == before.0 && scaling.elements() == before.1)
    let undamped = try DenseSolver().solve(MatrixOperator(matrix), b).x
    for index in [0, 1, 4, 5] { expectClose(solutions[index].x, undamped, rtol: 0, atol: 1e-10) }
  }

  @Test func solutionsKeepTheirElements() throws {
    let problem = Problem(rows: 6, columns: 6, rank: 6)
    let (a, b) = (MatrixOperator(problem.matrix()), problem.rightHandSide())
    let first = try LSMR(tolerance: 1e-3).solve(a, b)
    let elements = first.x.elements(as: Double.self)
    _ = try LSMR(tolerance: 1e-12).solve(a, b, damping: 0, from: first.x)
    #expect(first.x.elements() == elements)
  }

  // MARK: Numbers

  /// Powers of two scale without rounding; what is left are norms, which are summed otherwise where squares overflow.
  @Test(arguments: problems, [DType.float32, .float64])
  func answersScaleWithTheProblem(_ problem: Problem, _ dtype: DType) throws {
    let matrix = problem.matrix().to(dtype)
    let b = problem.rightHandSide().to(dtype)
    let x0 = matrix.transposed().matmul(b) + 1
    let exponent = dtype == .float32 ? 100.0 : 500
    let solver = LSMR(tolerance: dtype == .float32 ? 1e-4 : 1e-10)
    let rounding = 1000 * dtype.ulpOfOne
    for damping in [0, 0.25] {
      let expected = try solver.solve(MatrixOperator(matrix), b, damping: damping, from: x0)
      for (p, q) in [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1)] {
        let (scale, bScale) = (Double.pow(2, Double(p) * exponent), Double.pow(2, Double(q) * exponent))
        let actual = try solver.solve(
          MatrixOperator(matrix * scale), b * bScale, damping: damping * scale, from: x0 * (bScale / scale))
        let name = "A·\(scale), b·\(bScale), damping \(damping)"
        #expect(actual.iterations == expected.iterations && actual.stopReason == expected.stopReason, "\(name)")
        expectClose(actual.x / (bScale / scale), expected.x, rtol: rounding, atol: rounding, name)
        expectClose(actual.residual / bScale, expected.residual, rtol: rounding, atol: rounding, name)
        expectClose(actual.residualNorm / bScale, expected.residualNorm, rtol: rounding, atol: rounding, name)
        expectClose(
          actual.normalResidualNorm / scale / bScale, expected.normalResidualNorm, rtol: rounding, atol: rounding, name)
        expectClose(actual.operatorNorm / scale, expected.operatorNorm, rtol: 1e-10, atol: 0, name)
        expectClose(actual.condition, expected.condition, rtol: 1e-10, atol: 0, name)
      }
    }
  }

  /// SciPy's estimate of the condition number, for one, is 1e9 in the first case, and ends the iterations after one.
  @Test(arguments: [(1e-9, 1), (1e-200, 1), (1e200, 1), (1, 1e-200), (1, 1e200), (1e100, 1e200), (1e-100, 1e-200)])
  func magnitudeIsNoCondition(_ scale: Double, _ bScale: Double) throws {
    let a = MatrixOperator(Problem(rows: 7, columns: 4, rank: 4).matrix() * scale)
    let solution = try LSMR().solve(a, Tensor.full([7], bScale, dtype: .float64))
    #expect(solution.stopReason == .leastSquaresTolerance && solution.iterations == 4)
    #expect((1...4.1).contains(solution.condition))
    let recurrence = try #require(solution.recurrences).residualNorm
    expectClose(recurrence / bScale, solution.residualNorm / bScale, rtol: 1e-12, atol: 0)
  }

  @Test func solutionOutOfRangeIsAnError() throws {
    let matrix = Tensor.identity(3) * 1e-30
    let error = #expect(throws: LeastSquaresError.self) {
      try LSMR().solve(MatrixOperator(matrix), Tensor.full([3], 1e30))
    }
    #expect(error?.description.contains("float64") == true)
  }

  @Test(arguments: problems)
  func singlePrecisionAgreesWithDouble(_ problem: Problem) throws {
    let (matrix, b) = (problem.matrix(), problem.rightHandSide())
    for damping in [0, 0.25] {
      let single = try LSMR(tolerance: 1e-4).solve(
        MatrixOperator(matrix.to(.float32)), b.to(.float32), damping: damping)
      let double = try LSMR(tolerance: 1e-4).solve(MatrixOperator(matrix), b, damping: damping)
      #expect(single.x.dtype == .float32 && single.residual.dtype == .float32)
      #expect(single.iterations == double.iterations && single.stopReason == double.stopReason)
      // A few units of rounding times the condition number, which is 4.
      let ulp = DType.float32.ulpOfOne
      #expect((single.x.to(.float64) - double.x).norm() < 20 * ulp * 4 * double.x.norm())
      let scale = double.operatorNorm * double.x.norm() + b.norm()
      expectClose(single.residualNorm, double.residualNorm, rtol: 0, atol: 100 * ulp * scale)
    }
  }

  @Test func answersDoNotDependOnThreads() throws {
    let (count, threads) = (200_000, Engine.threadCount)
    defer { Engine.threadCount = threads }
    var generator = RandomGenerator(seed: 1)
    let diagonal = generator.uniform([count]) + 0.5
    let b = generator.normal([count])
    let a = FunctionOperator(rows: count, columns: count, adjoint: { y, _ in diagonal * y }, { x, _ in diagonal * x })
    let solutions = try [1, 2].map { threads in
      Engine.threadCount = threads
      return try LSMR(tolerance: 1e-4).solve(a, b, damping: 0.1)
    }
    expectIdentical(solutions[0].x, solutions[1].x)
    #expect(solutions[0].residualNorm == solutions[1].residualNorm)
    #expect(solutions[0].condition == solutions[1].condition && solutions[0].iterations > 3)
  }
}
