import Foundation
import TestSupport
import Testing
import Torch

struct TensorReductionTests {
  let x = Tensor([1.0, 2, 3, 4, 5, 6, 7, 8], shape: [2, 2, 2])

  @Test func sumsRunOverTheNamedDimensions() {
    #expect(x.sum().item() == 36)
    #expect(x.sum().shape.isEmpty)
    #expect(x.sum(0).elements(as: Double.self) == [6, 8, 10, 12])
    #expect(x.sum(-1).elements(as: Double.self) == [3, 7, 11, 15])
    #expect(x.sum(0, 2).elements(as: Double.self) == [14, 22])
    #expect(x.sum([1, 2], keepingDimensions: true).shape == [2, 1, 1])
    #expect(x.sum(keepingDimensions: true).shape == [1, 1, 1])
    #expect(Tensor(3).sum().item() == 3)
    #expect(Tensor.zeros([0]).sum().item() == 0)
    #expect(Tensor([true, true, false]).sum().elements(as: Int.self) == [2])
  }

  @Test func meansAndVariancesMatchTheirDefinitions() {
    #expect(x.mean().item() == 4.5)
    #expect(x.mean([0, 1]).elements(as: Double.self) == [4, 5])
    #expect(x.mean(2, keepingDimensions: true).shape == [2, 2, 1])
    #expect(x.variance().item() == 6)
    #expect(x.variance(correction: 0).item() == 5.25)
    expectClose(x.variance(0, 1), Tensor([20.0, 20]) / 3, rtol: 1e-15)
    #expect(x.variance(2, correction: 0, keepingDimensions: true).shape == [2, 2, 1])
  }

  @Test func extremaAndTheirPositions() {
    let y = Tensor([3.0, 9, -2, 9, 0, 1], shape: [2, 3])
    #expect(y.max().item() == 9)
    #expect(y.min(0).elements(as: Double.self) == [3, 0, -2])
    #expect(y.max(1, keepingDimensions: true).shape == [2, 1])
    #expect(y.argmax(1).elements(as: Int.self) == [1, 0])
    #expect(y.argmax(0, keepingDimension: true).shape == [1, 3])
    #expect(Tensor([1.0, .nan]).max().item().isNaN)
  }

  @Test func logSumExpDoesNotOverflow() {
    expectClose(Tensor([1000.0, 1000]).logSumExp().item(), 1000 + log(2.0), rtol: 1e-15)
    expectClose(x.logSumExp(1, 2), Tensor([1.0, 5].map { $0 + log(1 + exp(1.0) + exp(2.0) + exp(3.0)) }), rtol: 1e-14)
    #expect(Tensor(2).logSumExp().item() == 2)
    #expect(Tensor([-Double.infinity, -.infinity]).logSumExp().item() == -.infinity)
  }

  @Test func normsAreTakenInDoublePrecision() {
    #expect(Tensor([3.0, -4]).norm() == 5)
    #expect(Tensor([1e30, 1e30] as [Float]).norm().isFinite)
    #expect(Tensor.zeros([0]).norm() == 0)
    expectClose(Tensor.full([10_000], 0.1, dtype: .float16).norm(), 9.9975, rtol: 1e-4)
  }

  @Test func examplesAreSummedOneByOne() {
    #expect(x.sumPerExample().elements(as: Double.self) == [10, 26])
    #expect(Tensor([1.0, 2]).sumPerExample().elements(as: Double.self) == [1, 2])
    #expect(Tensor.zeros([0, 3]).sumPerExample().shape == [0])
  }

  @Test func quantifiersFollowLogic() {
    #expect(Tensor([true, true]).all())
    #expect(!Tensor([true, false]).all())
    #expect(Tensor([0.0, 0.5]).any())
    #expect(!Tensor([0.0, 0]).any())
    #expect(Tensor.zeros([0]).all())
    #expect(!Tensor.zeros([0]).any())
  }

  @Test func sortingIsStable() {
    let y = Tensor([2.0, 1, 2, 0])
    #expect(y.argsort().elements(as: Int.self) == [3, 1, 0, 2])
    #expect(y.argsort(descending: true).elements(as: Int.self) == [0, 2, 1, 3])
    #expect((1...4).map { y.kthSmallest($0).item() } == y.elements().sorted())
    #expect(x.cumulativeSum(2).elements(as: Double.self) == [1, 3, 3, 7, 5, 11, 7, 15])
  }
}
