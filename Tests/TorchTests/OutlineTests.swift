import TestSupport
import Testing
import Torch

@Suite struct OutlineTests {
  /// 10¹⁵ numbers would take 4 PB.
  @Test func tensorsWithoutElementsHaveShapesAndTakeNoMemory() {
    var generator = RandomGenerator(seed: 1)
    let shape = [1_000_000, 1_000_000_000]
    let tensors = withoutElements {
      [
        generator.normal(shape), generator.uniform(shape) * 2 - 1, .zeros(shape), .ones(shape),
        Parameter(.full(shape, 3)).value,
      ]
    }
    #expect(tensors.allSatisfy { $0.shape == shape && $0.dtype == .float32 && $0.device == .cpu })
  }

  @Test func theModeEndsWithTheClosure() {
    struct Stop: Error {}
    #expect(throws: Stop.self) { try withoutElements { throw Stop() } }
    withoutElements { withoutElements {} }
    #expect(Tensor.ones([2]).floats == [1, 1])
    var (first, second) = (RandomGenerator(seed: 1), RandomGenerator(seed: 1))
    expectIdentical(first.normal([3]), second.normal([3]))
  }

  @Test func aParameterWithoutElementsTakesThoseOfAnother() {
    let parameter = withoutElements { Parameter(.zeros([2])) }
    parameter.value = Tensor([1.5, 2]).to(parameter.value.dtype).to(parameter.value.device)
    #expect(parameter.value.floats == [1.5, 2] && parameter.value.requiresGradient)
  }
}
