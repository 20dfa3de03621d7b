import LeastSquares
import TestSupport
import Testing
import Torch

/// Counts the calls of a function.
private final class Counter {
  var count = 0
}

@Suite struct JacobianOperatorTests {
  private var generator = RandomGenerator(seed: 5, purpose: .data)

  @Test mutating func jacobianOfALayerIsTheExplicitOne() throws {
    let w = generator.normal([4, 3], dtype: .float64)
    let x = generator.normal([3], dtype: .float64)
    let j = try JacobianOperator(at: x) { w.matmul($0).tanh() }
    let expected = (1 - w.matmul(x).tanh().square()).expandingDimension(at: 1) * w
    expectClose(try j.matrix(like: x, j.parameters), expected, rtol: 1e-13, atol: 1e-13)
    expectClose(j.value, w.matmul(x).tanh(), rtol: 1e-15, atol: 0)
    #expect(!j.value.requiresGradient)
  }

  @Test mutating func jacobianOfAConvNetworkIsThatOfDifferences() throws {
    let weight = generator.normal([2, 1, 3, 3], dtype: .float64)
    let point = generator.normal([1, 1, 3, 4], dtype: .float64)
    func network(_ x: Tensor) -> Tensor { x.conv2d(weight: weight, bias: nil, padding: 1).silu() }
    let j = try JacobianOperator(at: point, network)
    #expect(j.rows == 24 && j.columns == 12 && j.value.shape == [1, 2, 3, 4])
    let identity = Tensor.identity(12, dtype: .float64)
    let columns = (0..<12).map { column in
      let unit = identity[column].reshaped(point.shape)
      func value(_ step: Double) -> Tensor { network(point + unit * step).flattened() }
      let h = 1e-3
      return ((value(h) - value(-h)) * 8 - (value(2 * h) - value(-2 * h))) / (12 * h)
    }
    expectClose(try j.matrix(like: point, j.parameters), .stack(columns, along: 1), rtol: 1e-9, atol: 1e-9)
  }

  @Test mutating func pointOfSeveralTensorsIsOneVector() throws {
    let point = [generator.normal([2], dtype: .float64), generator.normal([1, 3], dtype: .float64)]
    let j = try JacobianOperator(at: point) { point, _ in point[0].sum().reshaped(1) * point[1].square() }
    let sum = point[0].sum()
    let expected = Tensor.concatenate(
      [
        point[1].square().transposed().expanded(to: [3, 2]),
        Tensor.identity(3, dtype: .float64) * point[1] * (sum * 2),
      ], along: 1)
    expectClose(try j.matrix(like: point[0], j.parameters), expected, rtol: 1e-13, atol: 1e-13)
  }

  @Test mutating func functionIsEvaluatedOnceForAnyNumberOfProducts() throws {
    let calls = Counter()
    let point = generator.normal([6], dtype: .float64).variable()
    let weight = generator.normal([4, 6], dtype: .float64).variable()
    let j = try JacobianOperator(at: [point], parameters: [weight]) { point, parameters in
      calls.count += 1
      return parameters[0].matmul(point[0]).tanh()
    }
    let b = generator.normal([4], dtype: .float64)
    for _ in 0..<5 {
      try withoutGradients { _ = try j.applyAdjoint(j.apply(j.applyAdjoint(b))) }
    }
    _ = try j.matrix(like: b, j.parameters)
    _ = try LSMR().solve(j, b)
    _ = try DenseSolver().solve(j, b)
    #expect(calls.count == 1)
    // A product at other parameters is one more evaluation, and leaves the record as it was.
    let other = [point.detached() * 2, weight.detached()]
    let product = try j.applyAdjoint(b, other)
    #expect(calls.count == 2)
    let fresh = try JacobianOperator(at: other[0]) { [w = other[1]] in w.matmul($0).tanh() }
    expectClose(product, try fresh.applyAdjoint(b), rtol: 1e-14, atol: 1e-14)
    _ = try withoutGradients { try j.apply(j.applyAdjoint(b)) }
    #expect(calls.count == 2)
  }

  @Test mutating func differentiatedSolveEvaluatesTheFunctionOnceMore() throws {
    let calls = Counter()
    let point = generator.normal([6], dtype: .float64).variable()
    let weight = generator.normal([4, 6], dtype: .float64)
    let j = try JacobianOperator(at: [point]) { point, _ in
      calls.count += 1
      return weight.matmul(point[0]).tanh()
    }
    let x = try leastSquares(j, Tensor.ones([4], dtype: .float64), damping: 0.1, solver: LSMR(tolerance: 1e-12)).x
    #expect(calls.count == 1)
    _ = try gradients(of: x.sum(), withRespectTo: [point])
    // Once for each term of Φ.
    #expect(calls.count == 3)
  }

  @Test func constantFunctionHasAZeroJacobian() throws {
    let point = Tensor.ones([3], dtype: .float64)
    let constant = try JacobianOperator(at: point) { _ in Tensor.ones([2], dtype: .float64) }
    expectIdentical(try constant.apply(point), .zeros([2], dtype: .float64))
    expectIdentical(try constant.applyAdjoint(.ones([2], dtype: .float64)), .zeros([3], dtype: .float64))
    let partly = try JacobianOperator(at: [point, point]) { point, _ in point[0] * 2 }
    expectIdentical(
      try partly.applyAdjoint(point), .concatenate([Tensor.full(like: point, 2), Tensor.zeros(like: point)]))
  }

  @Test func errorOfTheFunctionIsThrown() throws {
    struct Refusal: Error {}
    #expect(throws: Refusal.self) { try JacobianOperator(at: Tensor.ones([2])) { _ in throw Refusal() } }
  }
}

@Suite struct FunctionOperatorTests {
  /// x ↦ w ∘ (x₀ − x₁, x₁ − x₂), which counts its calls.
  private func differences(_ weights: Tensor, _ calls: Counter) -> FunctionOperator {
    FunctionOperator(rows: 2, columns: 3, parameters: [weights]) { x, parameters in
      calls.count += 1
      return parameters[0] * (x[0..<2] - x[1..<3])
    }
  }

  @Test func functionWithoutAdjointIsRecordedOnce() throws {
    let calls = Counter()
    let a = differences(Tensor([2.0, 3]).variable(), calls)
    let y = Tensor([1.0, 10])
    for _ in 0..<5 {
      let product = try withoutGradients { try a.applyAdjoint(y) }
      expectIdentical(product, Tensor([2.0, 28, -30]))
    }
    #expect(calls.count == 1)
    // Copies share the record.
    let copy = a
    _ = try withoutGradients { try copy.applyAdjoint(y) }
    #expect(calls.count == 1)
  }

  @Test func recordFollowsParametersAndElementType() throws {
    let calls = Counter()
    let a = differences(Tensor([2.0, 3]), calls)
    let y = Tensor([1.0, 10])
    _ = try a.applyAdjoint(y)
    let others = [Tensor([1.0, 1])]
    expectIdentical(try a.applyAdjoint(y, others), Tensor([1.0, 9, -10]))
    expectIdentical(try a.applyAdjoint(y), Tensor([2.0, 28, -30]))
    expectIdentical(
      try a.applyAdjoint(y.to(.float32), others.map { $0.to(.float32) }), Tensor([1, 9, -10] as [Float]))
    #expect(calls.count == 4)
  }

  @Test func functionThatIgnoresItsArgumentIsZero() throws {
    let zero = FunctionOperator(rows: 2, columns: 3) { _, _ in Tensor.zeros([2], dtype: .float64) }
    expectIdentical(try zero.applyAdjoint(Tensor([1.0, 2])), Tensor([0.0, 0, 0]))
  }

  @Test func errorOfTheFunctionIsThrown() {
    struct Refusal: Error {}
    let a = FunctionOperator(rows: 2, columns: 2) { _, _ in throw Refusal() }
    #expect(throws: Refusal.self) { try a.applyAdjoint(Tensor.ones([2])) }
    #expect(throws: Refusal.self) { try LSMR().solve(a, Tensor.ones([2])) }
  }

  @Test func productsMayShareTheirArgumentsMemory() throws {
    let identity = FunctionOperator(rows: 4, columns: 4, adjoint: { y, _ in y }) { x, _ in x }
    let views = FunctionOperator(rows: 4, columns: 4, adjoint: { y, _ in y.reshaped(2, 2).flattened() }) { x, _ in
      x[0..<4]
    }
    let b = Tensor([1.0, -2, 3, 4])
    for a in [identity, views] {
      let solution = try LSMR(tolerance: 1e-14).solve(a, b, damping: 1, from: b)
      expectClose(solution.x, b, rtol: 1e-13, atol: 1e-13)
      expectClose(try LSMR(tolerance: 1e-14).solve(a, b, damping: 1).x, b * 0.5, rtol: 1e-13, atol: 1e-13)
    }
    expectIdentical(b, Tensor([1.0, -2, 3, 4]))
  }
}

@Suite struct CombinedOperatorTests {
  private var generator = RandomGenerator(seed: 5, purpose: .data)

  @Test mutating func combinationsAreThoseOfTheirMatrices() throws {
    let (a, b) = (generator.normal([2, 3], dtype: .float64), generator.normal([3, 4], dtype: .float64))
    let (c, d) = (generator.normal([5, 4], dtype: .float64), Tensor([2.0, -1, 0.5]))
    func matrix(_ a: any LinearOperator) throws -> Tensor { try a.matrix(like: d, a.parameters) }
    func close(_ actual: any LinearOperator, _ expected: Tensor) throws {
      expectClose(try matrix(actual), expected, rtol: 1e-14, atol: 1e-14)
      #expect((actual.rows, actual.columns) == (expected.size(0), expected.size(1)))
    }
    let (x, y, z) = (MatrixOperator(a), MatrixOperator(b), MatrixOperator(c))
    try close(ComposedOperator(x, y), a.matmul(b))
    try close(StackedOperator([y, z]), .concatenate([b, c]))
    try close(TransposedOperator(of: x), a.transposed())
    try close(TransposedOperator(of: TransposedOperator(of: x)), a)
    try close(ScaledOperator(x, by: Tensor([-3.0])), a * -3)
    try close(DiagonalOperator(d), Tensor.identity(3, dtype: .float64) * d)
    try close(ComposedOperator(DiagonalOperator(d), y), d.expandingDimension(at: 1) * b)
  }

  @Test func emptyOperatorsHaveProducts() throws {
    let none = MatrixOperator(Tensor.zeros([0, 3], dtype: .float64))
    #expect(try none.apply(Tensor.ones([3], dtype: .float64)).shape == [0])
    expectIdentical(try none.applyAdjoint(Tensor.ones([0], dtype: .float64)), .zeros([3], dtype: .float64))
    let sparse = try SparseOperator(rowOffsets: [0, 0], columnIndices: [], values: Tensor([Double]()), columns: 2)
    expectIdentical(try sparse.apply(Tensor([1.0, 2])), Tensor([0.0]))
    expectIdentical(try sparse.applyAdjoint(Tensor([1.0])), Tensor([0.0, 0]))
  }

  @Test mutating func wrongAdjointIsFound() throws {
    let w = generator.normal([3, 3], dtype: .float64)
    let wrong = FunctionOperator(rows: 3, columns: 3, adjoint: { y, _ in w.matmul(y) }) { x, _ in w.matmul(x) }
    #expect(try wrong.adjointMismatch(like: w) > 0.01)
  }
}

@Suite struct SparseOperatorTests {
  private let values = Tensor([1.0, 2, 3])

  @Test func elementsAreWhereTheyAreSaidToBe() throws {
    let expected = Tensor([0.0, 1, 0, 0, 0, 0, 2, 0, 3], shape: [3, 3])
    let rows = try SparseOperator(rowOffsets: [0, 1, 1, 3], columnIndices: [1, 0, 2], values: values, columns: 3)
    let places = try SparseOperator(
      rowIndices: [2, 0, 2], columnIndices: [2, 1, 0], values: values.gathering([2, 0, 1]), rows: 3, columns: 3)
    for a in [rows, places] { expectIdentical(try a.matrix(like: values, a.parameters), expected) }
  }

  @Test func elementsAtOnePlaceAddUp() throws {
    let a = try SparseOperator(rowIndices: [0, 0, 0], columnIndices: [1, 0, 1], values: values, rows: 1, columns: 2)
    expectIdentical(try a.apply(Tensor([1.0, 10])), Tensor([42.0]))
  }

  /// Structures of 3 elements that describe no matrix of 2 rows and 3 columns, and a word of what is said about each.
  static let wrongRows: [(offsets: [Int], columns: [Int], count: Int, word: String)] = [
    ([], [0, 1, 2], 3, "row offsets"), ([1, 2, 3], [0, 1, 2], 3, "row offsets"),
    ([0, 4, 3], [0, 1, 2], 3, "row offsets"), ([0, 1, 2], [0, 1, 2], 3, "row offsets"),
    ([0, -1, 3], [0, 1, 2], 3, "row offsets"), ([0, 1, 3], [0, 1, 3], 3, "column index 3"),
    ([0, 1, 3], [0, -1, 2], 3, "column index -1"), ([0, 1, 3], [0, 1, 2], 2, "float64[2]"),
  ]

  private func expectOneSentence(
    mentioning word: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> SparseOperator
  ) {
    let error = #expect(throws: LeastSquaresError.self, sourceLocation: sourceLocation) { _ = try body() }
    let text = error?.description ?? ""
    #expect(
      text.contains(word) && !text.contains("\n") && !text.hasSuffix("."), "\(text)", sourceLocation: sourceLocation)
  }

  @Test(arguments: wrongRows)
  func wrongRowsAreOneSentence(_ structure: (offsets: [Int], columns: [Int], count: Int, word: String)) {
    expectOneSentence(mentioning: structure.word) {
      try SparseOperator(
        rowOffsets: structure.offsets, columnIndices: structure.columns,
        values: Tensor.ones([structure.count], dtype: .float64), columns: 3)
    }
  }

  @Test func wrongValuesAreOneSentence() {
    for values in [Tensor([1, 2, 3]), Tensor.ones([3, 1]), Tensor(1)] {
      expectOneSentence(mentioning: "values") {
        try SparseOperator(rowOffsets: [0, 1, 3], columnIndices: [0, 1, 2], values: values, columns: 3)
      }
      expectOneSentence(mentioning: "values") {
        try SparseOperator(rowIndices: [0, 1, 1], columnIndices: [0, 1, 2], values: values, rows: 2, columns: 3)
      }
    }
  }

  @Test func wrongPlacesAreOneSentence() {
    for (rows, columns, word) in [
      ([0, 2, 1], [0, 1, 2], "row index 2"), ([0, -1, 1], [0, 1, 2], "row index -1"), ([0, 1], [0, 1, 2], "2 row"),
      ([0, 1, 1], [0, 1, 7], "column index 7"),
    ] {
      expectOneSentence(mentioning: word) {
        try SparseOperator(rowIndices: rows, columnIndices: columns, values: values, rows: 2, columns: 3)
      }
    }
  }

  @Test func negativeSizesAreOneSentence() {
    for indices in [[], [0]] {
      let values = Tensor.ones([indices.count])
      expectOneSentence(mentioning: "-2") {
        try SparseOperator(rowIndices: indices, columnIndices: indices, values: values, rows: -2, columns: 3)
      }
      expectOneSentence(mentioning: "-1") {
        try SparseOperator(rowIndices: indices, columnIndices: indices, values: values, rows: 2, columns: -1)
      }
      expectOneSentence(mentioning: "-1") {
        try SparseOperator(rowOffsets: [0, indices.count], columnIndices: indices, values: values, columns: -1)
      }
    }
  }
}
