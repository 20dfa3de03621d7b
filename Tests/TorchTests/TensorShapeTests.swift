import TestSupport
import Testing
import Torch

struct TensorShapeTests {
  let x = Tensor.range(0, to: 24, dtype: .float64).reshaped(2, 3, 4)

  /// Elements of the index function in row-major order: what a permutation should give.
  private func built(_ shape: [Int], _ value: (Int, Int, Int) -> Int) -> Tensor {
    var elements: [Double] = []
    for i in 0..<shape[0] {
      for j in 0..<shape[1] { for k in 0..<shape[2] { elements.append(Double(value(i, j, k))) } }
    }
    return Tensor(elements, shape: shape)
  }

  @Test func reshapingKeepsTheOrderOfElements() {
    expectIdentical(x.reshaped(6, -1).reshaped([2, 3, 4]), x)
    expectIdentical(x.reshaped(-1), Tensor.range(0, to: 24, dtype: .float64))
    #expect(x.transposed().reshaped(24)[1].item() == 4)
    #expect(Tensor(1).reshaped([1, 1]).shape == [1, 1])
  }

  @Test func flatteningJoinsDimensions() {
    #expect(x.flattened().shape == [24])
    #expect(x.flattened(from: 1).shape == [2, 12])
    #expect(x.flattened(from: 0, through: 1).shape == [6, 4])
    #expect(x.flattened(from: -2, through: -1).shape == [2, 12])
    #expect(Tensor(1).flattened().shape == [1])
    #expect(Tensor.zeros([0, 3, 2]).flattened(from: 1).shape == [0, 6])
  }

  @Test func permutationsMoveIndices() {
    expectIdentical(x.permuted(2, 0, 1), built([4, 2, 3]) { k, i, j in i * 12 + j * 4 + k })
    expectIdentical(x.transposed(), built([2, 4, 3]) { i, k, j in i * 12 + j * 4 + k })
    expectIdentical(x.transposed(0, 1), built([3, 2, 4]) { j, i, k in i * 12 + j * 4 + k })
    expectIdentical(x.permuted(2, 0, 1).contiguous(), x.permuted(2, 0, 1))
  }

  @Test func dimensionsOfLengthOneComeAndGo() {
    #expect(x.expandingDimension(at: 0).shape == [1, 2, 3, 4])
    #expect(x.expandingDimension(at: -1).shape == [2, 3, 4, 1])
    #expect(x.expandingDimension(at: 1).squeezed(1).shape == [2, 3, 4])
    #expect(x.squeezed(0).shape == [2, 3, 4])
    #expect(Tensor.ones([2]).broadcastable(toRank: 4).shape == [2, 1, 1, 1])
    #expect(x.broadcastable(toRank: 2).shape == [2, 3, 4])
  }

  @Test func expansionRepeatsWithoutCopying() {
    let y = Tensor([1.0, 2], shape: [2, 1])
    expectIdentical(y.expanded(to: [-1, 3]), Tensor([1.0, 1, 1, 2, 2, 2], shape: [2, 3]))
    #expect(y.expanded(to: [4, 2, 3]).shape == [4, 2, 3])
  }

  @Test func channelsLastKeepsTheValues() {
    let images = Tensor.range(0, to: 120).reshaped(2, 3, 4, 5)
    expectIdentical(images.channelsLast(), images)
    #expect(images.channelsLast().floats == images.floats)
  }

  @Test func joinsMatchTheirParts() {
    expectIdentical(Tensor.concatenate([x[.all, .range(0, 1)], x[.all, .from(1)]], along: 1), x)
    expectIdentical(Tensor.stack([x[0], x[1]]), x)
    expectIdentical(Tensor.stack([x[.all, .all, 0], x[.all, .all, 1]], along: -1), x[.all, .all, .range(0, 2)])
    #expect(Tensor.concatenate([Tensor.zeros([0, 2]), Tensor.ones([1, 2])]).shape == [1, 2])
  }

  @Test func splittingIsTheInverseOfJoining() {
    let parts = x.split([1, 0, 3], along: 2)
    #expect(parts.map(\.shape) == [[2, 3, 1], [2, 3, 0], [2, 3, 3]])
    expectIdentical(Tensor.concatenate(parts, along: 2), x)
    let halves = x.chunked(2, along: -1)
    expectIdentical(halves[1], x[.all, .all, .from(2)])
  }

  @Test func unflatteningIsTheInverseOfFlattening() {
    let tensors = [x.transposed(), Tensor(5, dtype: .float64), Tensor.zeros([0, 2], dtype: .float64), x[0]]
    let vector = Tensor.flatten(tensors)
    #expect(vector.shape == [37])
    expectIdentical(vector.unflattened(like: tensors), tensors)
    // A vector whose elements are not neighbours in memory.
    let strided = Tensor.stack([vector, -vector], along: 1)[.all, 0]
    expectIdentical(strided.unflattened(like: tensors), tensors)
  }

  @Test func flippingReverses() {
    #expect(Tensor([1.0, 2, 3]).flipped(0).elements(as: Double.self) == [3, 2, 1])
    expectIdentical(x.flipped(0, 2).flipped(2).flipped(0), x)
    expectIdentical(x.flipped(), x)
  }

  @Test func paddingSurroundsTheLastTwoDimensions() {
    let y = Tensor([1.0, 2], shape: [1, 2])
    expectIdentical(
      y.padded(top: 1, bottom: 0, left: 0, right: 2, with: -1),
      Tensor([-1.0, -1, -1, -1, 1, 2, -1, -1], shape: [2, 4]))
    expectIdentical(y.padded(bottom: 1, left: 1), Tensor([0.0, 1, 2, 0, 0, 0], shape: [2, 3]))
    expectIdentical(y.padded(top: 1).padded(top: -1), y)
  }

  @Test func viewsAndJoinsLeakNothing() {
    expectNoLeaks {
      let parts = x.split([1, 2], along: 1) + x.chunked(2, along: 0)
      _ = Tensor.flatten(parts).unflattened(like: parts)
    }
  }
}
