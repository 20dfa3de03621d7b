import Foundation
import ScoreKit

/// A network R → R with hidden layers of tanh.
struct Perceptron: Module {
  let layers: [Linear]

  /// Makes layers of given widths with normal weights of variance 1/inputs and without biases to start with.
  init(widths: [Int] = [16, 16], using generator: inout RandomGenerator) {
    layers = zip([1] + widths, widths + [1]).map { inputs, outputs in
      let layer = Linear(inputs, outputs, zero: true, using: &generator)
      layer.weight.value = generator.normal([outputs, inputs]) / Double(inputs).squareRoot()
      return layer
    }
  }

  /// Maps numbers `[n, 1]` to numbers `[n, 1]`.
  func callAsFunction(_ x: Tensor) -> Tensor {
    layers.dropLast().reduce(x) { h, layer in layer(h).tanh() }.linear(
      weight: layers[layers.count - 1].weight.value, bias: layers[layers.count - 1].bias?.value)
  }
}
