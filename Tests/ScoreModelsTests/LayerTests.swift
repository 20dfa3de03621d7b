import Foundation
import ScoreModels
import TestSupport
import Testing
import Torch

@Suite struct LayerTests {
  private var generator = RandomGenerator(seed: 2, purpose: .initialization)

  @Test mutating func linearIsAMatrixProduct() throws {
    let layer = Linear(2, 3, using: &generator)
    try layer.load(["weight": Tensor([[1, 2], [3, 4], [5, 6]]), "bias": Tensor([10, 20, 30] as [Float])])
    expectIdentical(layer(Tensor([[1, -1]])), Tensor([[9, 19, 29]]))
    #expect(Linear(2, 3, bias: false, using: &generator).parameterCount == 6)
  }

  @Test mutating func initialWeightsAreThoseOfPyTorch() {
    for (parameter, fanIn) in [
      (Linear(50, 400, using: &generator).weight, 50), (Conv2d(20, 100, kernel: 3, using: &generator).weight, 180),
    ] {
      let bound = 1 / Double(fanIn).squareRoot()
      let largest = parameter.value.abs().max().item()
      #expect(largest <= bound && largest > 0.99 * bound)
      expectClose(parameter.value.square().mean().item(), bound * bound / 3, rtol: 0.05, atol: 0)
    }
    #expect(Linear(3, 3, zero: true, using: &generator).parameters().allSatisfy { !$0.value.any() })
    #expect(Conv2d(3, 3, kernel: 1, zero: true, using: &generator).parameters().allSatisfy { !$0.value.any() })
  }

  @Test mutating func convolutionIsASumOverNeighbours() throws {
    let layer = Conv2d(1, 1, kernel: 3, using: &generator)
    let kernel: [Float] = [1, 2, 3, 4, 5, 6, 7, 8, 9]
    try layer.load(["weight": Tensor(kernel, shape: [1, 1, 3, 3]), "bias": Tensor([0.5] as [Float])])
    var spike = [Float](repeating: 0, count: 16)
    spike[5] = 1  // Row 1, column 1 of 4×4: the kernel appears mirrored around it.
    let expected: [Float] = [9, 8, 7, 0, 6, 5, 4, 0, 3, 2, 1, 0, 0, 0, 0, 0].map { $0 + 0.5 }
    expectIdentical(layer(Tensor(spike, shape: [1, 1, 4, 4])), Tensor(expected, shape: [1, 1, 4, 4]))
    let strided = Conv2d(1, 2, kernel: 3, stride: 2, using: &generator)
    #expect(strided(.zeros([1, 1, 5, 4])).shape == [1, 2, 3, 2])
  }

  @Test func groupsAreNormalized() throws {
    let layer = GroupNorm(4, groups: 2, epsilon: 0)
    try layer.load(["weight": Tensor([1, 2, 3, 4] as [Float]), "bias": Tensor([0, 0, 0, 1] as [Float])])
    // Groups {1, 3} and {10, 30}: each becomes {−1, 1}.
    let x = Tensor([1, 3, 10, 30] as [Float], shape: [1, 4, 1, 1])
    expectClose(layer(x), Tensor([-1, 2, -3, 5] as [Float], shape: [1, 4, 1, 1]), rtol: 1e-6, atol: 1e-6)
  }

  @Test func featuresAreNormalized() throws {
    let layer = LayerNorm(2, epsilon: 3)
    try layer.load(["weight": Tensor([1, 2] as [Float]), "bias": Tensor([0, 1] as [Float])])
    // Deviations ∓1 over √(1 + 3).
    expectClose(layer(Tensor([[4, 6]])), Tensor([[-0.5, 2]]), rtol: 1e-6, atol: 1e-6)
  }

  @Test mutating func embeddingLooksUpRows() throws {
    let layer = Embedding(3, 2, using: &generator)
    try layer.load(["weight": Tensor([[0, 1], [2, 3], [4, 5]])])
    expectIdentical(layer(Tensor([2, 0, 2])), Tensor([[4, 5], [0, 1], [4, 5]]))
  }

  @Test func sinusoidsHaveGeometricFrequencies() {
    let t = 2.5
    let layer = SinusoidalEmbedding(5, maximumPeriod: 100, cosinesFirst: false)
    let expected = [sin(t), sin(t / 10), cos(t), cos(t / 10), 0]
    expectClose(layer(Tensor([t])), Tensor(expected, shape: [1, 5]), rtol: 1e-6, atol: 1e-6)
    let shifted = SinusoidalEmbedding(4, maximumPeriod: 100, shift: 1)
    let other = [cos(t), cos(t / 100), sin(t), sin(t / 100)]
    expectClose(shifted(Tensor([t])), Tensor(other, shape: [1, 4]), rtol: 1e-6, atol: 1e-6)
  }

  @Test mutating func fourierFeaturesTakeTheLogarithm() throws {
    let layer = FourierEmbedding(4, using: &generator)
    try layer.load(["weight": Tensor([1, 0.25] as [Float])])
    let angle = 2 * Double.pi * log(3.0)
    let expected = [sin(angle), sin(angle / 4), cos(angle), cos(angle / 4)]
    expectClose(layer(Tensor([3.0])), Tensor(expected, shape: [1, 4]), rtol: 1e-6, atol: 1e-6)
    #expect(!layer(Tensor([3.0])).requiresGradient)
  }

  @Test func activationsHaveTheirFormulas() {
    let x = 0.7
    let values: [(Activation, Double)] = [
      (.silu, x / (1 + exp(-x))), (.mish, x * tanh(log(1 + exp(x)))), (.gelu, x * (1 + erf(x / 2.0.squareRoot())) / 2),
      (.relu, x),
    ]
    #expect(values.count == Activation.allCases.count)
    for (activation, expected) in values {
      expectClose(activation(Tensor(x, dtype: .float64)).item(), expected, rtol: 1e-14, atol: 0)
    }
    #expect(Activation.relu(Tensor(-x)).item() == 0)
  }

  @Test(arguments: [1, 2]) func attentionMixesPixelsBySimilarity(heads: Int) {
    var generator = generator
    let (channels, features) = (4, 4 / heads)
    let layer = SelfAttention2d(channels, headFeatures: features, groups: 2, outputScale: 2, using: &generator)
      .randomized()
    #expect(layer.heads == heads)
    let x = normal([1, channels, 1, 3])
    let normalized = layer.norm.map { $0(x) } ?? x
    let tokens: [[Double]] = (0..<3).map { normalized[0, .all, 0, .at($0)].elements() }
    func affine(_ map: Linear, _ v: [Double]) -> [Double] {
      let weight: [Double] = map.weight.value.elements()
      let bias: [Double] = map.bias?.value.elements() ?? []
      return bias.indices.map { row in
        v.indices.reduce(bias[row]) { $0 + weight[row * v.count + $1] * v[$1] }
      }
    }
    let (q, k, v) = (
      tokens.map { affine(layer.query, $0) }, tokens.map { affine(layer.key, $0) },
      tokens.map { affine(layer.value, $0) }
    )
    var expected = [Double](repeating: 0, count: channels * 3)
    for pixel in 0..<3 {
      var mixed = [Double](repeating: 0, count: channels)
      for head in 0..<heads {
        let range = head * features..<(head + 1) * features
        let similarities = (0..<3).map { other in
          exp(range.reduce(0) { $0 + q[pixel][$1] * k[other][$1] } / Double(features).squareRoot())
        }
        for other in 0..<3 {
          for feature in range {
            mixed[feature] += similarities[other] / similarities.reduce(0, +) * v[other][feature]
          }
        }
      }
      let passed: [Double] = x[0, .all, 0, .at(pixel)].elements()
      for (channel, value) in affine(layer.output, mixed).enumerated() {
        expected[channel * 3 + pixel] = (passed[channel] + value) / 2
      }
    }
    expectClose(layer(x), Tensor(expected, shape: [1, channels, 1, 3]), rtol: 1e-12, atol: 1e-12)
  }
}
