import TestSupport
import Testing
import Torch

@Suite struct MatrixVectorTests {
  static let shapes = [[1, 1], [3, 5], [4, 16], [7, 300], [513, 17], [300, 520], [5000, 3], [0, 4], [4, 0]]

  @Test(arguments: shapes, [DType.float32, .float64])
  func productsMatchTheirDefinition(_ shape: [Int], _ dtype: DType) {
    var generator = RandomGenerator(seed: 1)
    let a = generator.normal(shape, dtype: dtype)
    let (x, y) = (generator.normal([shape[1]], dtype: dtype), generator.normal([shape[0]], dtype: dtype))
    let tolerance = 100 * dtype.ulpOfOne
    let wide = generator.normal([shape[0], shape[1] + 3], dtype: dtype)
    // Row-major, column-major, rows with gaps, and a layout that is neither.
    let matrices = [
      a, a.transposed().contiguous().transposed(), wide.slicing(1, shape[1] + 1, along: 1),
      generator.normal([shape[0], 2 * shape[1]], dtype: dtype).slicing(0, 2 * shape[1], step: 2, along: 1),
    ]
    for matrix in matrices {
      let product = (matrix * x).sum(1)
      let adjoint = (matrix * y.expandingDimension(at: 1)).sum(0)
      let scale = 1 + (shape[0] * shape[1] > 0 ? adjoint.abs().max().item() + product.abs().max().item() : 0)
      expectClose(matrix.vectorProduct(x), product, rtol: tolerance, atol: tolerance * scale)
      expectClose(matrix.vectorProduct(y, transposed: true), adjoint, rtol: tolerance, atol: tolerance * scale)
    }
  }

  @Test(arguments: [[2000, 300], [5000, 40]]) func bitsDoNotDependOnThreads(_ shape: [Int]) {
    var generator = RandomGenerator(seed: 2)
    let a = generator.normal(shape)
    let (x, y) = (generator.normal([shape[1]]), generator.normal([shape[0]]))
    let before = Engine.threadCount
    defer { Engine.threadCount = before }
    Engine.threadCount = 1
    let single = [a.vectorProduct(x), a.vectorProduct(y, transposed: true)]
    Engine.threadCount = 3
    expectIdentical(a.vectorProduct(x), single[0])
    expectIdentical(a.vectorProduct(y, transposed: true), single[1])
  }
}
