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
