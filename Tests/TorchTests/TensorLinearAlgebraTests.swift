import TestSupport
import Testing
import Torch

@Suite struct TensorLinearAlgebraTests {
  private func normal(_ shape: Int..., seed: UInt64 = 0) -> Tensor {
    var generator = RandomGenerator(seed: seed)
    return generator.normal(shape, dtype: .float64)
  }

  @Test(arguments: [(5, 3), (3, 5), (4, 4), (0, 3), (1, 1)])
  func decompositionMultipliesToTheMatrix(_ rows: Int, _ columns: Int) throws {
    let a = normal(rows, columns)
    let (u, s, vTransposed) = try a.singularValueDecomposition()
    let k = min(rows, columns)
    #expect(u.shape == [rows, k] && s.shape == [k] && vTransposed.shape == [k, columns])
    expectClose((u * s).matmul(vTransposed), a)
    expectClose(u.transposed().matmul(u), .identity(k, dtype: .float64))
    let values: [Double] = s.elements()
    #expect(values == values.sorted(by: >))
  }

  @Test func decompositionOfNonFiniteNumbersIsAnError() {
    #expect(throws: EngineError.self) { try Tensor.full([3, 3], .nan).singularValueDecomposition() }
  }

  @Test func choleskyFactorHasItsGradient() throws {
    let root = normal(4, 4)
    let b = normal(4, 2, seed: 1)
    expectGradient(
      of: { inputs in
        let factor = try (inputs[0].matmul(inputs[0].transposed()) + Tensor.identity(4, dtype: .float64))
          .choleskyFactor()
        let half = factor.solvingLowerTriangular(inputs[1])
        return factor.solvingLowerTriangular(half, transposed: true).sum() + factor.diagonal().log().sum()
      }, at: [root, b], order: 2)
    let a = root.matmul(root.transposed()) + Tensor.identity(4, dtype: .float64)
    let factor = try a.choleskyFactor()
    expectClose(factor.matmul(factor.transposed()), a)
    expectClose(
      a.matmul(factor.solvingLowerTriangular(factor.solvingLowerTriangular(b), transposed: true)), b)
  }

  @Test func indefiniteMatricesHaveNoCholeskyFactor() {
    #expect(throws: EngineError.self) { try (-Tensor.identity(3)).choleskyFactor() }
  }
}
