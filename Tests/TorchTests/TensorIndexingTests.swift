import TestSupport
import Testing
import Torch

struct TensorIndexingTests {
  let x = Tensor.range(0, to: 24, dtype: .float64).reshaped(2, 3, 4)

  private func numbers(_ tensor: Tensor) -> [Double] { tensor.elements() }

  @Test func positionsRemoveDimensions() {
    #expect(x[1].shape == [3, 4])
    #expect(numbers(x[1, 2]) == [20, 21, 22, 23])
    #expect(x[1, 2, 3].item() == 23)
    #expect(x[-1, -1, -1].item() == 23)
    #expect(numbers(x[.all, 0, .at(-1)]) == [3, 15])
  }

  @Test func rangesKeepDimensions() {
    #expect(numbers(x[0, 0, .range(1, 3)]) == [1, 2])
    #expect(numbers(x[0, 0, .range(0, 4, step: 2)]) == [0, 2])
    #expect(numbers(x[0, 0, .from(2)]) == [2, 3])
    #expect(x[.all, .range(1, 100)].shape == [2, 2, 4])
    #expect(x[0..<1].shape == [1, 3, 4])
    #expect(x[.range(2, 1)].shape == [0, 3, 4])
    #expect(numbers(x[0, 0, .range(-2, 4)]) == [2, 3])
  }

  @Test func newDimensionsAreInserted() {
    #expect(x[.new].shape == [1, 2, 3, 4])
    #expect(x[.all, .new, 0].shape == [2, 1, 4])
  }

  @Test func gatheringPicksInOrderAndAgain() {
    #expect(numbers(x.gathering([2, 0, 2], along: 1)[0, .all, 0]) == [8, 0, 8])
    #expect(x.gathering([], along: 0).shape == [0, 3, 4])
    #expect(numbers(x.gathering(Tensor([1]))) == numbers(x[1]))
  }

  @Test func elementsAreGatheredByTheirOwnIndex() {
    let indices = Tensor([0, 2, 1, 1], shape: [2, 2])
    #expect(numbers(x[0, .range(0, 2)].gatheringElements(indices, along: 1)) == [0, 2, 5, 5])
  }
}
