import LeastSquares
import TestSupport
import Testing
import Torch

/// What solvers say to input that poses no problem: one sentence, which names the culprit.
@Suite struct LeastSquaresInputTests {
  private static var matrix: Tensor { Tensor([1.0, 0, 0, 2, 1, 1], shape: [3, 2]) }
  private static var b: Tensor { Tensor([1.0, 2, 3]) }

  private func expectRefusal(
    _ words: String..., solvers: [any LeastSquaresSolver] = [LSMR(), DenseSolver(), AutomaticSolver()],
    sourceLocation: SourceLocation = #_sourceLocation, _ solve: (any LeastSquaresSolver) throws -> LeastSquaresSolution
  ) {
    for solver in solvers {
      let error = #expect(throws: LeastSquaresError.self, "\(solver)", sourceLocation: sourceLocation) {
        try solve(solver)
      }
      guard let sentence = error?.description else { continue }
      for word in words {
        #expect(sentence.contains(word), "\(sentence)", sourceLocation: sourceLocation)
      }
      #expect(!sentence.contains("\n") && !sentence.hasSuffix("."), "\(sentence)", sourceLocation: sourceLocation)
    }
  }

  private func solve(
    _ solver: any LeastSquaresSolver, _ matrix: Tensor = matrix, _ b: Tensor = b, damping: Double = 0, x0: Tensor? = nil
  ) throws -> LeastSquaresSolution {
    try solver.solve(MatrixOperator(matrix), b, damping: damping, from: x0)
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity])
  func numbersThatAreNotFiniteAreRefused(_ value: Double) {
    expectRefusal("right-hand side", "not finite") { try solve($0, Self.matrix, Tensor([1, value, 0])) }
    expectRefusal("starting point", "not finite") { try solve($0, x0: Tensor([value, 1])) }
    expectRefusal("not finite") { try solve($0, Tensor([1, 2, value, 3, 4, 5], shape: [3, 2])) }
    expectRefusal("damping", "\(value)") { try solve($0, damping: value) }
    expectRefusal("column scaling", "finite", solvers: [LSMR()]) { _ in
      try LSMR().solve(MatrixOperator(Self.matrix), Self.b, columnScaling: Tensor([1, value]))
    }
    for direction in ["A·v", "Aᵀ·u"] {
      // The third product is the first one of the second iteration.
      for count in 1...2 {
        expectRefusal(direction, "iteration", solvers: [LSMR(tolerance: 0)]) {
          try $0.solve(failing(after: count, direction, Tensor.full([direction == "A·v" ? 3 : 2], value)), Self.b)
        }
      }
    }
    expectRefusal("A·x₀", "not finite", solvers: [LSMR()]) {
      let a = failing(after: 0, "A·v", Tensor.full([3], value, dtype: .float64))
      return try $0.solve(a, Self.b, damping: 0, from: Tensor([1.0, 1]))
    }
  }

  /// The matrix as an operator of which products of one direction are replaced, after some good ones.
  private func failing(after count: Int, _ direction: String, _ wrong: Tensor) -> FunctionOperator {
    var (products, adjoints) = (0, 0)
    return FunctionOperator(
      rows: 3, columns: 2,
      adjoint: { y, _ in
        adjoints += 1
        return direction == "Aᵀ·u" && adjoints > count ? wrong.to(y.dtype) : Self.matrix.transposed().matmul(y)
      },
      { x, _ in
        products += 1
        return direction == "A·v" && products > count ? wrong.to(x.dtype) : Self.matrix.matmul(x)
      })
  }

  @Test func shapesThatDoNotFitAreRefused() {
    expectRefusal("[4]", "[3]") { try solve($0, Self.matrix, Tensor.zeros([4], dtype: .float64)) }
    expectRefusal("[3, 1]", "[3]") { try solve($0, Self.matrix, Tensor.zeros([3, 1], dtype: .float64)) }
    expectRefusal("starting point", "[3]", "[2]") { try solve($0, x0: Self.b) }
    expectRefusal("column scaling", "[3]", "[2]", solvers: [LSMR()]) { _ in
      try LSMR().solve(MatrixOperator(Self.matrix), Self.b, columnScaling: Self.b)
    }
  }

  @Test func elementTypesThatDoNotFitAreRefused() {
    expectRefusal("float32", "float64", "int64") { try solve($0, Self.matrix, Tensor([1, 2, 3])) }
    expectRefusal("float16") { try solve($0, Self.matrix.to(.float16), Self.b.to(.float16)) }
    expectRefusal("starting point", "float32") { try solve($0, x0: Tensor([1, 2] as [Float])) }
    expectRefusal("column scaling", "float32", solvers: [LSMR()]) { _ in
      try LSMR().solve(MatrixOperator(Self.matrix), Self.b, columnScaling: Tensor([1, 2] as [Float]))
    }
    expectRefusal("float32", "float64") { try solve($0, Self.matrix.to(.float32)) }
    expectRefusal("float32", "float64") { try solve($0, Self.matrix, Self.b.to(.float32)) }
    expectRefusal("float32", "float64") {
      try $0.solve(DiagonalOperator(Self.b), Self.b.to(.float32))
    }
  }

  @Test func productsThatDoNotFitAreRefused() {
    let wrong = [
      Tensor.ones([4], dtype: .float64), .ones([1], dtype: .float64), .ones([], dtype: .float64),
      .ones([1, 3], dtype: .float64),
    ]
    for direction in ["A·v", "Aᵀ·u"] {
      for (product, shape) in zip(wrong, ["[4]", "[1]", "[]", "[1, 3]"]) {
        for count in 0...1 {
          expectRefusal("product of the operator", shape, solvers: [LSMR(tolerance: 0)]) {
            try $0.solve(failing(after: count, direction, product), Self.b, damping: 0, from: Tensor([1.0, 1]))
          }
        }
      }
    }
    let single = FunctionOperator(
      rows: 3, columns: 2, adjoint: { y, _ in Self.matrix.transposed().matmul(y) },
      { x, _ in Self.matrix.matmul(x).to(.float32) })
    expectRefusal("product of the operator", "float32[3]", "float64[3]", solvers: [LSMR()]) {
      try $0.solve(single, Self.b)
    }
  }

  @Test func settingsThatMeanNothingAreRefused() {
    expectRefusal("damping", "-0.5") { try solve($0, damping: -0.5) }
    for value in [-1e-6, .nan, .infinity] {
      expectRefusal("atol", "\(value)", solvers: [LSMR(atol: value)]) { try solve($0) }
      expectRefusal("btol", "\(value)", solvers: [LSMR(btol: value)]) { try solve($0) }
      expectRefusal("condition limit", "\(value)", solvers: [LSMR(conditionLimit: value)]) { try solve($0) }
    }
    expectRefusal("iterations", "-1", solvers: [LSMR(iterationLimit: -1)]) { try solve($0) }
    expectRefusal("reorthogonalization", "-2", solvers: [LSMR(reorthogonalization: -2)]) { try solve($0) }
    for wrong in [0.0, -1] {
      expectRefusal("column scaling", "positive", solvers: [LSMR()]) { _ in
        try LSMR().solve(MatrixOperator(Self.matrix), Self.b, columnScaling: Tensor([1, wrong]))
      }
    }
  }

  @Test func errorsOfTheOperatorComeThrough() {
    struct Failure: Error {}
    let failing = FunctionOperator(rows: 3, columns: 2, adjoint: { _, _ in throw Failure() }) { _, _ in throw Failure()
    }
    for solver in [LSMR(), DenseSolver(), AutomaticSolver()] as [any LeastSquaresSolver] {
      #expect(throws: Failure.self) { try solver.solve(failing, Self.b) }
    }
  }
}
