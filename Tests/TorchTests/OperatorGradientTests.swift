import TestSupport
import Testing
import Torch

/// A differentiable function of random inputs.
struct OperatorCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let shapes: [[Int]]
  let function: @Sendable ([Tensor]) -> Tensor

  init(_ name: String, _ shapes: [Int]..., function: @escaping @Sendable ([Tensor]) -> Tensor) {
    testDescription = name
    self.shapes = shapes
    self.function = function
  }

  /// Standard normal inputs, the same in every run.
  var inputs: [Tensor] {
    var random = RandomGenerator(seed: 11, purpose: .probes)
    return shapes.map { random.normal($0, dtype: .float64) }
  }
}

/// The engine's derivatives against finite differences: up to the third order for everything that layers are made of.
struct OperatorGradientTests {
  static let smooth: [OperatorCase] = [
    OperatorCase("+", [2, 3], [3]) { $0[0] + $0[1] * $0[1] },
    OperatorCase("−", [2, 3], [2, 1]) { ($0[0] - $0[1]).pow(3) },
    OperatorCase("×", [2, 3], [3]) { $0[0] * $0[1] * $0[0] },
    OperatorCase("÷", [2, 3], [3]) { $0[0] / ($0[1].square() + 1) },
    OperatorCase("number ÷", [4]) { 2 / ($0[0].square() + 1) },
    OperatorCase("pow", [4]) { ($0[0].square() + 0.5).pow(1.7) },
    OperatorCase("pow of tensors", [3], [3]) { ($0[0].square() + 0.5).pow($0[1]) },
    OperatorCase("atan2", [3], [3]) { $0[0].atan2($0[1].square() + 1) },
    OperatorCase("lerp", [3], [3]) { $0[0].square().lerp($0[1].pow(3), weight: 0.3) },
    OperatorCase("adding(_:times:)", [3], [3], [3]) { $0[0].adding($0[1], times: $0[2], scaledBy: -2).pow(3) },
    OperatorCase("matmul", [2, 3], [3, 2]) { $0[0].matmul($0[1]).square() },
    OperatorCase("batched matmul", [2, 2, 3], [3, 2]) { $0[0].matmul($0[1]).pow(3) },
    OperatorCase("matmul of a vector", [2, 3], [3]) { $0[0].matmul($0[1]).pow(3) },
    OperatorCase("exp", [4]) { $0[0].exp() },
    OperatorCase("expMinusOne", [4]) { $0[0].expMinusOne() },
    OperatorCase("log", [4]) { ($0[0].square() + 0.5).log() },
    OperatorCase("logOnePlus", [4]) { $0[0].square().logOnePlus() },
    OperatorCase("sqrt", [4]) { ($0[0].square() + 0.5).sqrt() },
    OperatorCase("rsqrt", [4]) { ($0[0].square() + 0.5).rsqrt() },
    OperatorCase("reciprocal", [4]) { ($0[0].square() + 0.5).reciprocal() },
    OperatorCase("sin, cos", [4]) { $0[0].sin() * ($0[0] * 2).cos() },
    OperatorCase("tanh", [4]) { $0[0].tanh() },
    OperatorCase("erf", [4]) { $0[0].erf() },
    OperatorCase("sigmoid", [4]) { $0[0].sigmoid() },
    OperatorCase("silu", [5]) { $0[0].silu() },
    OperatorCase("mish", [5]) { $0[0].mish() },
    OperatorCase("gelu", [5]) { $0[0].gelu() },
    OperatorCase("gelu by tanh", [5]) { $0[0].gelu(tanhApproximation: true) },
    OperatorCase("softplus", [5]) { $0[0].softplus() },
    OperatorCase("softplus of 2", [5]) { $0[0].softplus(beta: 2) },
    OperatorCase("softmax", [2, 3]) { $0[0].softmax() },
    OperatorCase("softmax of the first dimension", [3, 2]) { $0[0].softmax(dimension: 0) },
    OperatorCase("logSoftmax", [2, 3]) { $0[0].logSoftmax() },
    OperatorCase("logSumExp", [2, 3]) { $0[0].logSumExp(1) },
    OperatorCase("sum, mean", [2, 3]) { $0[0].pow(3).sum(0) * $0[0].mean(1, keepingDimensions: true) },
    OperatorCase("variance", [3, 3]) { $0[0].variance(1).square() + $0[0].variance(0, correction: 0) },
    OperatorCase("sumPerExample", [2, 2, 2]) { $0[0].pow(3).sumPerExample() },
    OperatorCase("cumulativeSum", [2, 3]) { $0[0].cumulativeSum(1).pow(3) },
    OperatorCase("linear", [2, 3], [4, 3], [4]) { $0[0].linear(weight: $0[1], bias: $0[2]).pow(3) },
    OperatorCase("linear of rank 3", [2, 2, 3], [2, 3]) { $0[0].linear(weight: $0[1], bias: nil).pow(3) },
    OperatorCase("conv2d", [1, 2, 3, 4], [2, 2, 3, 3], [2]) {
      $0[0].conv2d(weight: $0[1], bias: $0[2], padding: 1).tanh()
    },
    OperatorCase("strided conv2d", [2, 2, 4, 4], [3, 2, 3, 3]) {
      $0[0].conv2d(weight: $0[1], bias: nil, stride: 2, padding: 1).tanh()
    },
    OperatorCase("grouped, dilated conv2d", [1, 4, 5, 5], [4, 2, 2, 2], [4]) {
      $0[0].conv2d(weight: $0[1], bias: $0[2], dilation: 2, groups: 2).tanh()
    },
    OperatorCase("conv2d of one pixel", [2, 2, 2, 2], [3, 2, 1, 1], [3]) {
      $0[0].conv2d(weight: $0[1], bias: $0[2]).tanh()
    },
    OperatorCase("convTransposed2d", [1, 2, 3, 3], [2, 3, 3, 3], [3]) {
      $0[0].convTransposed2d(weight: $0[1], bias: $0[2], stride: 2, padding: 1, outputPadding: 1).tanh()
    },
    OperatorCase("convTransposed2d of a pixel more than the padding", [1, 2, 2, 2], [2, 1, 2, 2], [1]) {
      $0[0].convTransposed2d(weight: $0[1], bias: $0[2], stride: 3, padding: 1, outputPadding: 2).tanh()
    },
    OperatorCase("convTransposed2d without output padding", [1, 2, 2, 2], [2, 2, 4, 4]) {
      $0[0].convTransposed2d(weight: $0[1], bias: nil, stride: 2, padding: 1).tanh()
    },
    OperatorCase("groupNorm", [2, 4, 2, 2], [4], [4]) {
      $0[0].groupNorm(groups: 2, weight: $0[1], bias: $0[2], epsilon: 1e-2).tanh()
    },
    OperatorCase("groupNorm without weights", [2, 4, 2]) {
      $0[0].groupNorm(groups: 2, weight: nil, bias: nil, epsilon: 1e-2).tanh()
    },
    OperatorCase("groupNorm of vectors", [3, 4], [4]) {
      $0[0].groupNorm(groups: 2, weight: $0[1], bias: nil, epsilon: 1e-2).tanh()
    },
    OperatorCase("layerNorm without weights", [2, 4]) { $0[0].layerNorm(weight: nil, bias: nil).tanh() },
    OperatorCase("layerNorm", [2, 4], [4], [4]) {
      $0[0].layerNorm(weight: $0[1], bias: $0[2], epsilon: 1e-2).tanh()
    },
    OperatorCase("layerNorm of two dimensions", [2, 2, 3], [2, 3], [2, 3]) {
      $0[0].layerNorm(rank: 2, weight: $0[1], bias: $0[2], epsilon: 1e-2).tanh()
    },
    OperatorCase("averagePool2d", [1, 2, 4, 4]) { $0[0].averagePool2d(kernel: 2).pow(3) },
    OperatorCase("overlapping averagePool2d", [1, 1, 5, 5]) {
      $0[0].averagePool2d(kernel: 3, stride: 2, padding: 1).pow(3)
    },
    OperatorCase("nearest interpolation", [1, 2, 3, 2]) { $0[0].interpolated(height: 6, width: 5).pow(3) },
    OperatorCase("bilinear interpolation", [1, 2, 3, 2]) { $0[0].interpolated(height: 5, width: 4, .bilinear).pow(3) },
    OperatorCase("attention", [2, 3, 2], [2, 3, 2], [2, 3, 2]) {
      ($0[0].matmul($0[1].transposed()) * 0.5.squareRoot()).softmax().matmul($0[2])
    },
    OperatorCase("reshaping and permuting", [2, 3, 2]) { $0[0].permuted(2, 0, 1).reshaped(4, 3).pow(3).flattened() },
    OperatorCase("expanding", [2, 1]) { $0[0].pow(3).expanded(to: [3, 2, 2]) },
    OperatorCase("indexing", [3, 4]) { $0[0].pow(3)[.all, .range(0, 4, step: 2), .new] * $0[0][0, 1] },
    OperatorCase("gathering", [4, 2]) { $0[0].gathering([2, 0, 2], along: 0).pow(3) },
    OperatorCase("gatheringElements", [2, 3]) {
      $0[0].gatheringElements(Tensor([0, 0, 2, 1], shape: [2, 2]), along: 1).pow(3)
    },
    OperatorCase("joining", [2, 2], [2, 1]) {
      (Tensor.concatenate([$0[0], $0[1]], along: 1) * Tensor.concatenate([$0[1], $0[0]], along: 1)).square()
    },
    OperatorCase("stacking", [3], [3]) { Tensor.stack([$0[0], $0[1]], along: 1).pow(3) },
    OperatorCase("splitting", [2, 5]) {
      let parts = $0[0].split([2, 3], along: 1)
      return parts[0].pow(3).sum() * parts[1].sum()
    },
    OperatorCase("flattening", [2, 2], [3]) {
      Tensor.flatten($0).pow(3).unflattened(like: $0)[0] * $0[1].sum()
    },
    OperatorCase("flipping", [2, 3]) { $0[0].flipped(0, 1).pow(2) * $0[0] },
    OperatorCase("padding", [1, 1, 2, 2]) { $0[0].padded(top: 1, left: 2, right: 1, with: 3).pow(3) },
    OperatorCase("channelsLast", [1, 2, 2, 2], [2, 2, 1, 1]) {
      $0[0].channelsLast().conv2d(weight: $0[1], bias: nil).tanh()
    },
    OperatorCase("replacing(where:)", [4], [4]) { $0[0].pow(3).replacing(where: $0[0] .> 0, with: $0[1].exp()) },
  ]

  @Test(arguments: smooth) func isRightUpToTheThirdOrder(_ operation: OperatorCase) {
    expectGradient(of: operation.function, at: operation.inputs, order: 3)
  }

  /// The first three derivatives along fixed directions, each a gradient.
  private func chain(_ operation: OperatorCase, _ dtype: DType) throws -> [Tensor] {
    var random = RandomGenerator(seed: 12, purpose: .probes)
    let inputs = operation.inputs.map { $0.to(dtype).variable() }
    var results: [Tensor] = []
    var outputs = [operation.function(inputs)]
    while results.count < 3, outputs.contains(where: \.requiresGradient) {
      let seeds = outputs.map { random.normal($0.shape, dtype: .float64).to(dtype) }
      let value = zip(outputs, seeds).reduce(Tensor(0, dtype: dtype)) { $0 + $1.0.dot($1.1) }
      outputs = try gradients(of: value, withRespectTo: inputs, createGraph: true)
      results.append(Tensor.flatten(outputs))
    }
    return results
  }

  /// The engine has kernels of its own for `float32`, which the finite differences do not reach.
  @Test(arguments: smooth) func singlePrecisionHasTheSameDerivatives(_ operation: OperatorCase) throws {
    let (singles, doubles) = (try chain(operation, .float32), try chain(operation, .float64))
    #expect(singles.count == doubles.count && !doubles.isEmpty)
    for (single, double) in zip(singles, doubles) {
      let scale = double.abs().max().item()
      expectClose(single, double, rtol: 1e-3, atol: 1e-4 * scale)
    }
  }

  static let kinked: [OperatorCase] = [
    OperatorCase("relu", [6]) { $0[0].relu().square() },
    OperatorCase("abs", [6]) { $0[0].abs().pow(3) },
    OperatorCase("maximum, minimum", [4], [4]) { $0[0].maximum($0[1]).square() + $0[0].minimum($0[1]).pow(3) },
    OperatorCase("max, min", [2, 4]) { $0[0].max(1).pow(3) * $0[0].min() },
    OperatorCase("clamped", [6]) { $0[0].clamped(to: -0.5...0.5).pow(3) },
  ]

  @Test(arguments: kinked) func isRightAwayFromKinks(_ operation: OperatorCase) {
    expectGradient(of: operation.function, at: operation.inputs, order: 2)
  }

  @Test(arguments: smooth) func recordsAreReleased(_ operation: OperatorCase) throws {
    try expectNoLeaks {
      let inputs = operation.inputs.map { $0.variable() }
      let first = try gradients(
        of: operation.function(inputs).sum(), withRespectTo: inputs, createGraph: true)
      let sum = first.reduce(Tensor(0, dtype: .float64)) { $0 + $1.square().sum() }
      if sum.requiresGradient { _ = try gradients(of: sum, withRespectTo: inputs) }
    }
  }
}
