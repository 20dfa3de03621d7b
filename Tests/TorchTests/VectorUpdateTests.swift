import TestSupport
import Testing
import Torch

@Suite struct VectorUpdateTests {
  private func vectors(_ count: Int, _ length: Int, _ dtype: DType) -> [Tensor] {
    var generator = RandomGenerator(seed: UInt64(length))
    return (0..<count).map { _ in generator.normal([length], dtype: dtype) }
  }

  /// ‖x‖₂ by its definition.
  private func definedNorm(_ x: Tensor) -> Double { x.to(.float64).square().sum().item().squareRoot() }

  @Test(arguments: [0, 1, 15, 16, 17, 1 << 14, 50_003], [DType.float32, .float64])
  func updatesMatchTheirFormulas(_ length: Int, _ dtype: DType) {
    let v = vectors(4, length, dtype)
    var y = v[1]
    let norm = y.combine(0.5, v[0], -2)
    expectClose(y, v[0] * 0.5 - v[1] * 2, rtol: 4 * dtype.ulpOfOne, atol: 4 * dtype.ulpOfOne)
    expectClose(norm, definedNorm(y), rtol: 1e-13, atol: 0)

    var (g, x, h) = (v[0], v[1], v[2])
    let xNorm = Tensor.advance(&g, &x, &h, v: v[3], p: 0.3, q: -1.5, r: 0.7, s: 0.9)
    let tolerance = 8 * dtype.ulpOfOne
    let expected = v[2] + v[0] * 0.3
    expectClose(g, expected, rtol: tolerance, atol: tolerance)
    expectClose(x, v[1] - expected * 1.5, rtol: tolerance, atol: tolerance)
    expectClose(h, v[3] * 0.7 + v[2] * 0.9, rtol: tolerance, atol: tolerance)
    expectClose(xNorm, definedNorm(x), rtol: 1e-13, atol: 0)
    expectClose(v[0].norm(), definedNorm(v[0]), rtol: 1e-13, atol: 0)
  }

  @Test(arguments: [0, 1, 15, 16, 17, 1 << 14, 50_003], [DType.float32, .float64])
  func replacedElementsAreScaledAndMeasured(_ length: Int, _ dtype: DType) {
    let v = vectors(3, length, dtype)
    let mask = v[2] .> 0.3
    let (result, norm) = v[0].replacing(where: mask, with: v[1], scaledBy: -0.25)
    expectIdentical(result, v[0].replacing(where: mask, with: v[1] * -0.25))
    let chosen = Tensor.zeros(like: v[1]).replacing(where: mask, with: v[1])
    expectClose(norm, definedNorm(chosen), rtol: 1e-13, atol: 0)
  }

  @Test func normOfReplacedElementsNeitherOverflowsNorVanishes() {
    let mask = Tensor([1.0, 0, 1]) .> 0.5
    for magnitude in [1e200, 1e-200] {
      let x = Tensor([3.0, 100, 4]) * magnitude
      let (result, norm) = Tensor([5.0, 6, 7]).replacing(where: mask, with: x, scaledBy: 0)
      expectClose(norm, 5 * magnitude, rtol: 1e-12, atol: 0)
      expectIdentical(result, Tensor([0.0, 6, 0]))
    }
  }

  @Test func memoryIsWrittenOnlyWhereNobodyElseSeesIt() throws {
    let ones = Tensor.ones([100])
    // A copy of the value.
    var copy = ones
    _ = copy.combine(1, ones, 1)
    expectIdentical(ones, .ones([100]))
    // A view, alive on its own or beside its base.
    let base = Tensor.ones([200])
    var view = base[0..<100]
    _ = view.combine(1, ones, 1)
    expectIdentical(base, .ones([200]))
    // Another view of the memory, of which the first is gone.
    var whole = Tensor.ones([200])
    let half = whole[100..<200]
    _ = whole.combine(1, base, 1)
    expectIdentical(half, .ones([100]))
    // The record of an operation.
    let variable = Tensor.full([100], 3).variable()
    var factor = Tensor.full([100], 2)
    let product = variable * factor
    _ = factor.combine(1, ones, 1)
    expectIdentical(product.sum().gradient(withRespectTo: variable), .full([100], 2))
    // Three vectors that share memory.
    var (g, x, h) = (ones, ones, ones)
    _ = Tensor.advance(&g, &x, &h, v: ones, p: 1, q: 1, r: 1, s: 0)
    expectIdentical(ones, .ones([100]))
    expectIdentical(x, .full([100], 3))
    // Nothing but the variable itself: no new memory, so the address of the elements stays; its handle count does too.
    expectNoLeaks {
      var alone = Tensor.ones([100]) * 1
      for _ in 0..<3 { _ = alone.combine(1, ones, 1) }
      expectIdentical(alone, .full([100], 4))
    }
  }

  @Test func stridedAndRecordedTensorsAreCombined() {
    let matrix = Tensor.range(0, to: 6).reshaped(2, 3)
    var column = matrix[.all, 1]
    let norm = column.combine(2, Tensor([10, 20] as [Float]), 1)
    expectIdentical(column, Tensor([21, 44] as [Float]))
    expectClose(norm, (21.0 * 21 + 44 * 44).squareRoot(), rtol: 1e-12)
    var recorded = Tensor.ones([2]).variable() * 2
    _ = recorded.combine(1, Tensor.ones([2]), 1)
    #expect(!recorded.requiresGradient)
    expectIdentical(recorded, .full([2], 3))
  }

  @Test func normsNeitherOverflowNorVanish() {
    for scale in [1e-200, 1e-160, 1, 1e160, 1e200] {
      var y = Tensor([3.0, 4.0]) * scale
      expectClose(y.norm() / scale, 5, rtol: 1e-14)
      expectClose(y.combine(1, Tensor.zeros(like: y), 2) / scale, 10, rtol: 1e-14)
    }
    expectClose(Tensor([3e30, 4e30] as [Float]).norm(), 5e30, rtol: 1e-6)
    #expect(Tensor([1, .infinity] as [Double]).norm() == .infinity)
    #expect(Tensor([1, .nan] as [Double]).norm().isNaN)
    #expect(Tensor.zeros([0]).norm() == 0)
  }

  @Test func sumsDoNotDependOnThreads() {
    let before = Engine.threadCount
    defer { Engine.threadCount = before }
    let x = vectors(1, 300_001, .float32)[0]
    let norms = [1, 2, 3].map { threads in
      Engine.threadCount = threads
      return x.norm()
    }
    #expect(Set(norms).count == 1)
  }
}
