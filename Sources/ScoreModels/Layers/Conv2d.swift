public import Torch

/// A two-dimensional convolution.
public struct Conv2d: Module {
  /// `[outputs, inputs, kernel, kernel]`.
  public let weight: Parameter
  /// `[outputs]`.
  public let bias: Parameter?
  /// The distance between neighbouring outputs, in pixels of the input.
  public let stride: Int
  /// The number of zeros on each side of the input.
  public let padding: Int

  /// Makes a layer with weights and biases uniform on ±1/√(inputs·kernel²), as PyTorch does.
  ///
  /// - Parameters:
  ///   - padding: by default ⌊kernel/2⌋, which keeps height and width at stride 1 if `kernel` is odd.
  ///   - zero: starts with weights and biases of 0 instead.
  public init(
    _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Int? = nil, bias: Bool = true,
    zero: Bool = false, using generator: inout RandomGenerator
  ) {
    let bound = zero ? 0 : 1 / Double(max(inputs * kernel * kernel, 1)).squareRoot()
    weight = Parameter(uniform([outputs, inputs, kernel, kernel], within: bound, using: &generator))
    self.bias = bias ? Parameter(uniform([outputs], within: bound, using: &generator)) : nil
    self.stride = stride
    self.padding = padding ?? kernel / 2
  }

  /// Maps x `[batch, inputs, height, width]` to `[batch, outputs, …]`.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    x.conv2d(weight: weight.value, bias: bias?.value, stride: stride, padding: padding)
  }
}
