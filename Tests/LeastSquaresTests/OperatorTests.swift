import LeastSquares
import TestSupport
import Testing
import Torch

/// The laws that every operator obeys.
@Suite struct OperatorLawTests {
  private var generator = RandomGenerator(seed: 11, purpose: .probes)

  @Test func everyOperatorAndEverySolverIsTried() throws {
    try expectEveryConformer(of: "LinearOperator", among: try OperatorCase.all.map { try $0.make() })
    try expectEveryConformer(of: "LeastSquaresSolver", among: LeastSquaresGradientTests.solvers)
  }

  @Test(arguments: OperatorCase.all, [DType.float64, .float32])
  func adjointMatchesProduct(_ operatorCase: OperatorCase, _ dtype: DType) throws {
    let a = try operatorCase.make(dtype)
    expectAdjoint(
      { try a.apply($0) }, { try a.applyAdjoint($0) }, from: [a.columns], to: [a.rows], dtype: dtype)
    let mismatch = try a.adjointMismatch(like: Tensor(0, dtype: dtype))
    #expect(mismatch < 100 * dtype.ulpOfOne)
  }

  @Test(arguments: OperatorCase.all, [DType.float64, .float32])
  mutating func matrixConsistsOfProductsWithUnitVectors(_ operatorCase: OperatorCase, _ dtype: DType) throws {
    let a = try operatorCase.make(dtype, variables: true)
    let matrix = try a.matrix(like: Tensor(0, dtype: dtype), a.parameters)
    #expect(matrix.shape == [a.rows, a.columns] && matrix.dtype == dtype && !matrix.requiresGradient)
    let (left, right) = (Tensor.identity(a.rows, dtype: dtype), Tensor.identity(a.columns, dtype: dtype))
    let tolerance = 100 * dtype.ulpOfOne
    for column in 0..<a.columns {
      expectClose(
        try a.apply(right[column]).detached(), matrix[.all, .at(column)], rtol: tolerance, atol: tolerance)
    }
    for row in 0..<a.rows {
      expectClose(try a.applyAdjoint(left[row]).detached(), matrix[row], rtol: tolerance, atol: tolerance)
    }
    #expect(matrix.norm() > 0.1)
  }

  @Test(arguments: OperatorCase.all, [DType.float64, .float32])
  mutating func productsAreLinear(_ operatorCase: OperatorCase, _ dtype: DType) throws {
    let a = try operatorCase.make(dtype)
    let tolerance = 1000 * dtype.ulpOfOne
    for (product, length) in [(a.apply, a.columns), (a.applyAdjoint, a.rows)] as [((Tensor) throws -> Tensor, Int)] {
      let (v, w) = (generator.normal([length], dtype: dtype), generator.normal([length], dtype: dtype))
      let (image, other) = (try product(v), try product(w))
      #expect(image.dtype == dtype && !image.requiresGradient)
      expectClose(try product(v * 3 - w * 0.5), image * 3 - other * 0.5, rtol: tolerance, atol: tolerance)
      expectClose(try product(v * 1e4), image * 1e4, rtol: tolerance, atol: 1e4 * tolerance)
      expectIdentical(try product(v * 0), Tensor.zeros(like: image))
    }
  }

  @Test(arguments: OperatorCase.all)
  mutating func pairingIsTheProductOfBothVectors(_ operatorCase: OperatorCase) throws {
    let a = try operatorCase.make()
    let x = generator.normal([a.columns], dtype: .float64)
    let y = generator.normal([a.rows], dtype: .float64)
    let pairing = try a.pairing(y, x, a.parameters)
    #expect(pairing.shape == [])
    expectClose(pairing, y.dot(try a.apply(x)), rtol: 1e-13, atol: 1e-13)
  }

  @Test(arguments: OperatorCase.all)
  mutating func derivativesMatchDifferencesToSecondOrder(_ operatorCase: OperatorCase) throws {
    let a = try operatorCase.make()
    let x = generator.normal([a.columns], dtype: .float64)
    let y = generator.normal([a.rows], dtype: .float64)
    expectGradient(of: { try a.apply($0[0], Array($0[1...])) }, at: [x] + a.parameters, order: 2)
    expectGradient(of: { try a.applyAdjoint($0[0], Array($0[1...])) }, at: [y] + a.parameters, order: 2)
    expectGradient(of: { try a.pairing($0[0], $0[1], Array($0[2...])) }, at: [y, x] + a.parameters, order: 2)
  }

  @Test(arguments: OperatorCase.all)
  mutating func solvesHaveTheGradientsOfTheMatrix(_ operatorCase: OperatorCase) throws {
    let a = try operatorCase.make(variables: true)
    let identity = Tensor.identity(a.columns, dtype: .float64)
    let matrix = Tensor.stack(try (0..<a.columns).map { try a.apply(identity[$0]) }, along: 1)
    let b = generator.normal([a.rows], dtype: .float64).variable()
    let cotangent = generator.normal([a.columns], dtype: .float64)
    let variables = [b] + a.parameters
    let expected = try leastSquares(MatrixOperator(matrix), b, damping: 0.2, solver: DenseSolver()).x
    let expectedGradients = try gradients(of: expected, withRespectTo: variables, seed: cotangent, retainGraph: true)
    for solver in [LSMR(tolerance: 1e-13), DenseSolver()] as [any LeastSquaresSolver] {
      let actual = try leastSquares(a, b, damping: 0.2, solver: solver).x
      expectClose(actual.detached(), expected.detached(), rtol: 1e-9, atol: 1e-9)
      expectClose(
        try gradients(of: actual, withRespectTo: variables, seed: cotangent), expectedGradients, rtol: 1e-8, atol: 1e-8)
    }
  }

  @Test(arguments: OperatorCase.all)
  func productsLeaveNothingBehind(_ operatorCase: OperatorCase) throws {
    try expectNoLeaks {
      let a = try operatorCase.make(variables: true)
      let (x, y) = (Tensor.ones([a.columns], dtype: .float64), Tensor.ones([a.rows], dtype: .float64).variable())
      _ = try withoutGradients { (try a.apply(x), try a.applyAdjoint(y)) }
      let number = try a.pairing(y, x, a.parameters) + a.applyAdjoint(y).square().sum() + a.apply(x).square().sum()
      _ = try gradients(of: number, withRespectTo: [y] + a.parameters, createGraph: true)
    }
  }
}
