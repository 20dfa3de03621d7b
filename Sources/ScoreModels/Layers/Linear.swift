public import Torch

/// The affine map y = x·Wᵀ + b.
public struct Linear: Module {
  /// W, `[outputs, inputs]`.
  public let weight: Parameter
  /// b, `[outputs]`.
  public let bias: Parameter?

  /// Makes a layer with weights and biases uniform on ±1/√inputs, as PyTorch does.
  ///
  /// - Parameter zero: starts with weights and biases of 0 instead, for the last layer of a residual branch or network.
  public init(
    _ inputs: Int, _ outputs: Int, bias: Bool = true, zero: Bool = false, using generator: inout RandomGenerator
  ) {
    let bound = zero ? 0 : 1 / Double(max(inputs, 1)).squareRoot()
    weight = Parameter(uniform([outputs, inputs], within: bound, using: &generator))
    self.bias = bias ? Parameter(uniform([outputs], within: bound, using: &generator)) : nil
  }

  /// Maps x `[…, inputs]` to `[…, outputs]`.
  public func callAsFunction(_ x: Tensor) -> Tensor { x.linear(weight: weight.value, bias: bias?.value) }
}

/// Numbers uniform on ±bound; zeros, without using the generator, if the bound is 0.
func uniform(_ shape: [Int], within bound: Double, using generator: inout RandomGenerator) -> Tensor {
  bound == 0 ? .zeros(shape) : generator.uniform(shape) * (2 * bound) - bound
}
