import TestSupport
import Testing
import Torch

struct ParameterTests {
  @Test func valueIsAVariable() throws {
    let parameter = Parameter(Tensor([1.0, 2]))
    #expect(parameter.value.requiresGradient)
    #expect(parameter.shape == [2])
    expectClose(
      try gradients(of: parameter.value.square().sum(), withRespectTo: [parameter.value])[0], Tensor([2.0, 4]))
  }

  @Test func settingCutsTheRecord() throws {
    let parameter = Parameter(Tensor([1.0, 2]))
    let old = parameter.value
    parameter.value = old * 3
    expectIdentical(parameter.value.detached(), Tensor([3.0, 6]))
    expectIdentical(
      try gradients(of: parameter.value.sum(), withRespectTo: [old])[0], Tensor([0.0, 0]))
    // Tensors read before keep their value.
    expectIdentical(old.detached(), Tensor([1.0, 2]))
  }

  @Test func substitutesAreRecordedAndGoAway() throws {
    let (one, other) = (Parameter(Tensor([1.0, 2])), Parameter(Tensor([3.0])))
    let vector = Tensor([4.0, 5, 6]).variable()
    let parts = vector.unflattened(like: [one.value, other.value])
    let sum = Parameter.withValues(parts, of: [one, other]) { (one.value.square() * other.value).sum() }
    expectClose(try gradients(of: sum, withRespectTo: [vector])[0], Tensor([48.0, 60, 41]))
    expectIdentical(one.value.detached(), Tensor([1.0, 2]))
    struct Failure: Error {}
    #expect(throws: Failure.self) { try Parameter.withValues(parts, of: [one, other]) { throw Failure() } }
    expectIdentical(other.value.detached(), Tensor([3.0]))
  }

  @Test func holdersShareIt() {
    let parameter = Parameter(Tensor([1.0]))
    let other = parameter
    other.value = Tensor([5.0])
    #expect(parameter.value.item() == 5)
  }

  @Test func updatesLeakNothing() {
    expectNoLeaks {
      let parameter = Parameter(Tensor([1.0, 2]))
      for _ in 0..<3 {
        parameter.value = parameter.value - parameter.value.square().sum().gradient(withRespectTo: parameter.value)
      }
    }
  }
}
