import Testing
import Torch

/// Mistakes of a program end the process with a message that names the operator, the operands and what is wrong.
struct TrapTests {
  private func expectMessage(
    _ result: ExitTest.Result?, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    for word in words { #expect(text.contains(word), sourceLocation: sourceLocation) }
  }

  @Test func operandsThatDoNotFitAreNamed() async {
    let product = await #expect(processExitsWith: .exitCode(70), observing: [\.standardErrorContent]) {
      _ = Tensor.ones([2, 3]).matmul(Tensor.ones([2, 3], dtype: .float64))
    }
    expectMessage(product, "matmul(float32[2, 3], float64[2, 3]): ")
    let sum = await #expect(processExitsWith: .exitCode(70), observing: [\.standardErrorContent]) {
      _ = Tensor.ones([3]) + Tensor.ones([2])
    }
    expectMessage(sum, "+(float32[3], float32[2]): ", "must match the size")
    let item = await #expect(processExitsWith: .exitCode(70), observing: [\.standardErrorContent]) {
      _ = Tensor.ones([3]).item()
    }
    expectMessage(item, "item(float32[3]): ", "3 elements")
  }

  @Test func momentsOfAnotherShapeAreNamed() async {
    let result = await #expect(processExitsWith: .exitCode(70), observing: [\.standardErrorContent]) {
      _ = Tensor.ones([3]).adamStep(
        firstMoment: .zeros([3]), secondMoment: .zeros([1]), step: 1, learningRate: 1, beta1: 0, beta2: 0, epsilon: 1)
    }
    expectMessage(result, "adamStep(float32[3], float32[3], float32[1]): ", "do not belong to a gradient")
  }

  @Test func integersAreNoVariables() async {
    let integers = await #expect(processExitsWith: .exitCode(70), observing: [\.standardErrorContent]) {
      _ = Parameter(Tensor([1, 2]))
    }
    expectMessage(integers, "variable(int64[2]): ")
  }

  @Test func customFunctionsOfIntegersAreNamed() async {
    let result = await #expect(processExitsWith: .exitCode(70), observing: [\.standardErrorContent]) {
      let x = Tensor([1.0]).variable()
      _ = try customFunction([x], forward: { [$0[0].to(.int64)] }, backward: { $0 })
    }
    expectMessage(result, "customFunction(float64[1], int64[1]): ", "must be floating-point numbers")
  }

  @Test func layersCheckTheirWeights() async {
    let norm = await #expect(processExitsWith: .exitCode(70), observing: [\.standardErrorContent]) {
      _ = Tensor.ones([2, 3]).layerNorm(weight: Tensor.ones([1]), bias: nil)
    }
    expectMessage(norm, "layerNorm(float32[2, 3], float32[1]): ", "must have the normalised shape [3]")
    let transposed = await #expect(processExitsWith: .exitCode(70), observing: [\.standardErrorContent]) {
      _ = Tensor.ones([1, 1, 2, 2]).convTransposed2d(weight: Tensor.ones([1, 1, 2, 2]), bias: nil, outputPadding: 1)
    }
    expectMessage(transposed, "an output padding of 1 does not go with a stride of 1")
  }

  @Test func parametersKeepTheirShape() async {
    let result = await #expect(processExitsWith: .exitCode(70), observing: [\.standardErrorContent]) {
      Parameter(Tensor.ones([2])).value = Tensor.ones([3])
    }
    expectMessage(result, "a parameter of shape [2] cannot take a value of shape [3]")
  }

  @Test func wrongCountsAreNamed() async {
    let elements = await #expect(processExitsWith: .exitCode(70), observing: [\.standardErrorContent]) {
      _ = Tensor([1.0, 2], shape: [3])
    }
    expectMessage(elements, "2 elements do not fill the shape [3]")
    let threads = await #expect(processExitsWith: .exitCode(70), observing: [\.standardErrorContent]) {
      Engine.threadCount = 0
    }
    expectMessage(threads, "the number of threads must be positive, not 0")
    let bound = await #expect(processExitsWith: .exitCode(70), observing: [\.standardErrorContent]) {
      var generator = RandomGenerator(seed: 0)
      _ = generator.integers(below: 0, [1])
    }
    expectMessage(bound, "a bound in 1 ... 2³¹, not 0")
  }
}
