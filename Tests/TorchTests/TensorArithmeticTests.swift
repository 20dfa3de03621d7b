import Foundation
import TestSupport
import Testing
import Torch

struct TensorArithmeticTests {
  let x = Tensor([1.0, 2, 3, 4, 5, 6], shape: [2, 3])
  let row = Tensor([10.0, 20, 30])
  let column = Tensor([2.0, -1], shape: [2, 1])

  private func numbers(_ tensor: Tensor) -> [Double] { tensor.elements() }

  @Test func operandsBroadcast() {
    #expect(numbers(x + row) == [11, 22, 33, 14, 25, 36])
    #expect(numbers(x - column) == [-1, 0, 1, 5, 6, 7])
    #expect(numbers(x * column) == [2, 4, 6, -4, -5, -6])
    #expect(numbers(row / column) == [5, 10, 15, -10, -20, -30])
    #expect((row / column).shape == [2, 3])
    #expect((Tensor.ones([4, 1, 3]) + Tensor.ones([5, 1])).shape == [4, 5, 3])
    #expect((Tensor.ones([0, 3]) + Tensor.ones([1, 3])).shape == [0, 3])
  }

  @Test func numbersCombineFromBothSides() {
    #expect(numbers(row + 1) == [11, 21, 31])
    #expect(numbers(1 + row) == [11, 21, 31])
    #expect(numbers(row - 1) == [9, 19, 29])
    #expect(numbers(1 - row) == [-9, -19, -29])
    #expect(numbers(row * 2) == [20, 40, 60])
    #expect(numbers(2 * row) == [20, 40, 60])
    #expect(numbers(row / 10) == [1, 2, 3])
    expectClose(60 / row, Tensor([6.0, 3, 2]), rtol: 1e-15)
    #expect(numbers(-row) == [-10, -20, -30])
  }

  @Test func assignmentReplacesTheValue() {
    var y = row
    y += row
    y -= Tensor(5, dtype: .float64)
    y *= row
    y *= 0.5
    #expect(numbers(y) == [75, 350, 825])
    #expect(numbers(row) == [10, 20, 30])
  }

  @Test func wholeNumbersLeaveIntegersIntegers() {
    let n = Tensor([3, 4])
    #expect((n + 1).dtype == .int64)
    #expect((n + 1).elements(as: Int.self) == [4, 5])
    #expect((n * -2).elements(as: Int.self) == [-6, -8])
    #expect((10 - n).elements(as: Int.self) == [7, 6])
    #expect((n + 0.5).elements(as: Double.self) == [3.5, 4.5])
    #expect((n / 2).elements(as: Double.self) == [1.5, 2])
    #expect((Tensor([5, 0] as [UInt8]) - 1).elements(as: UInt8.self) == [4, 255])
    #expect(n.pow(2).elements(as: Int.self) == [9, 16])
  }

  @Test func numbersBeyondTheIntegersDoNotWrap() {
    let n = Tensor([Int.max, Int.min, 0])
    for limit in [Double.infinity, 0x1p63, 1e300] {
      #expect((n .< limit).elements(as: Bool.self) == [limit > 0x1p63, true, true] || limit == 0x1p63)
      #expect((n .> -limit * 2).all())
    }
    #expect(!(n .== Double.nan).any())
    #expect((n + .infinity).elements(as: Double.self) == [.infinity, .infinity, .infinity])
    #expect(n.clamped(to: -.infinity ... .infinity).elements(as: Double.self)[2] == 0)
  }

  @Test func precisionIsTheWiderOfTheOperands() {
    #expect((Tensor.ones([1], dtype: .float32) + Tensor.ones([1], dtype: .float64)).dtype == .float64)
    #expect((Tensor.ones([1], dtype: .float16) * 3.5).dtype == .float16)
    #expect((Tensor.ones([1], dtype: .float32) + Tensor([1])).dtype == .float32)
  }

  @Test func powersAndExtrema() {
    #expect(numbers(Tensor([1.0, 2, 3]).pow(3)) == [1, 8, 27])
    #expect(numbers(Tensor([2.0, 3]).pow(Tensor([3.0, 2]))) == [8, 9])
    #expect(numbers(row.maximum(Tensor([15.0, 15, 15]))) == [15, 20, 30])
    #expect(numbers(row.minimum(Tensor(15, dtype: .float64))) == [10, 15, 15])
    expectClose(Tensor([1.0, -1]).atan2(Tensor([-1.0, 0])), Tensor([0.75 * Double.pi, -Double.pi / 2]))
  }

  @Test func interpolationAndFusedProducts() {
    #expect(numbers(row.lerp(row * 3, weight: 0.25)) == [15, 30, 45])
    #expect(numbers(row.adding(Tensor([1.0, 2, 3]), times: Tensor([2.0, 2, 2]), scaledBy: 0.5)) == [11, 22, 33])
    #expect(row.dot(Tensor([1.0, 0, -1])).item() == -20)
  }

  @Test(arguments: [DType.float32, .float64])
  func adamStepMatchesItsFormulaAndLeavesItsOperands(_ dtype: DType) {
    var generator = RandomGenerator(seed: 1)
    // A transposed gradient, so that it is not in row-major order in memory, of an odd number of elements.
    let gradient = generator.normal([13, 7], dtype: dtype).transposed().variable()
    let first = generator.normal([7, 13], dtype: dtype)
    let second = generator.uniform([7, 13], dtype: dtype)
    let before = (first.elements(as: Double.self), second.elements(as: Double.self))
    let step = gradient.adamStep(
      firstMoment: first, secondMoment: second, step: 3, learningRate: 0.1, beta1: 0.8, beta2: 0.9, epsilon: 1e-3)
    let (g, m, v) = (gradient.detached().to(.float64), first.to(.float64), second.to(.float64))
    let (nextM, nextV) = (0.8 * m + 0.2 * g, 0.9 * v + 0.1 * g.square())
    let update = -0.1 * (nextM / (1 - 0.512)) / ((nextV / (1 - 0.729)).sqrt() + 1e-3)
    let tolerance = dtype == .float64 ? 1e-12 : 1e-5
    expectClose(step.update.to(.float64), update, rtol: tolerance, atol: tolerance)
    expectClose(step.firstMoment.to(.float64), nextM, rtol: tolerance, atol: tolerance)
    expectClose(step.secondMoment.to(.float64), nextV, rtol: tolerance, atol: tolerance)
    #expect(step.update.dtype == dtype && !step.update.requiresGradient)
    #expect(numbers(first) == before.0 && numbers(second) == before.1)
  }

  @Test func matrixProductsMatchTheDefinition() {
    let a = Tensor([1.0, 2, 3, 4, 5, 6], shape: [2, 3])
    let b = Tensor([1.0, -1, 0, 2, 3, 1], shape: [3, 2])
    #expect(numbers(a.matmul(b)) == [10, 6, 22, 12])
    #expect(numbers(a.matmul(row)) == [140, 320])
    #expect(row.matmul(row).item() == 1400)
    let batch = Tensor.stack([a, -a])
    #expect(numbers(batch.matmul(b)) == [10, 6, 22, 12, -10, -6, -22, -12])
    #expect(Tensor.ones([0, 3]).matmul(Tensor.ones([3, 2])).shape == [0, 2])
    #expect(numbers(Tensor.ones([1, 0], dtype: .float64).matmul(Tensor.ones([0, 2], dtype: .float64))) == [0, 0])
  }

  @Test func comparisonsGiveTruthValues() {
    let a = Tensor([1.0, 2, 3])
    let b = Tensor([2.0, 2, 2])
    func truth(_ tensor: Tensor) -> [Bool] {
      #expect(tensor.dtype == .bool)
      return tensor.elements()
    }
    #expect(truth(a .== b) == [false, true, false])
    #expect(truth(a .!= b) == [true, false, true])
    #expect(truth(a .< b) == [true, false, false])
    #expect(truth(a .<= b) == [true, true, false])
    #expect(truth(a .> b) == [false, false, true])
    #expect(truth(a .>= b) == [false, true, true])
    #expect(truth(a .== 2) == [false, true, false])
    #expect(truth(a .!= 2) == [true, false, true])
    #expect(truth(a .< 2) == [true, false, false])
    #expect(truth(a .<= 2) == [true, true, false])
    #expect(truth(a .> 2) == [false, false, true])
    #expect(truth(a .>= 2) == [false, true, true])
    #expect(truth((a .> 1) .& (a .< 3)) == [false, true, false])
    #expect(truth((a .< 2) .| (a .> 2)) == [true, false, true])
    #expect(truth((a .< 2).logicalNot()) == [false, true, true])
    #expect(numbers(a.replacing(where: a .> 2, with: b * 10)) == [1, 2, 20])
  }
}
