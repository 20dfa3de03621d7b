internal import CTorch

extension Tensor {
  /// x·Wᵀ + b for x `[…, in]`, W `[out, in]`, b `[out]`.
  public func linear(weight: Tensor, bias: Tensor?) -> Tensor {
    produce("linear", [self, weight] + (bias.map { [$0] } ?? [])) {
      ctorch_linear(pointer, weight.pointer, bias?.pointer, $0)
    }
  }

  /// The two-dimensional convolution of x `[batch, in, height, width]` with W `[out, in/groups, kernel, kernel]`.
  public func conv2d(
    weight: Tensor, bias: Tensor?, stride: Int = 1, padding: Int = 0, dilation: Int = 1, groups: Int = 1
  ) -> Tensor {
    produce("conv2d", [self, weight] + (bias.map { [$0] } ?? [])) {
      ctorch_conv2d(
        pointer, weight.pointer, bias?.pointer, Int64(stride), Int64(padding), Int64(dilation), Int64(groups), $0)
    }
  }

  /// The transposed two-dimensional convolution of x with W `[in, out, kernel, kernel]`.
  public func convTransposed2d(
    weight: Tensor, bias: Tensor?, stride: Int = 1, padding: Int = 0, outputPadding: Int = 0
  ) -> Tensor {
    produce("convTransposed2d", [self, weight] + (bias.map { [$0] } ?? [])) {
      ctorch_conv_transpose2d(
        pointer, weight.pointer, bias?.pointer, Int64(stride), Int64(padding), Int64(outputPadding), $0)
    }
  }

  /// Normalises groups of channels of x `[batch, channels, …]` to mean 0 and variance 1 (Wu & He 2018, arXiv 1803.08494).
  public func groupNorm(groups: Int, weight: Tensor?, bias: Tensor?, epsilon: Double = 1e-5) -> Tensor {
    produce("groupNorm", [self] + [weight, bias].compactMap { $0 }) {
      ctorch_group_norm(pointer, Int64(groups), weight?.pointer, bias?.pointer, epsilon, $0)
    }
  }

  /// Normalises the last dimensions to mean 0 and variance 1 (Ba, Kiros & Hinton 2016, arXiv 1607.06450).
  public func layerNorm(rank: Int = 1, weight: Tensor?, bias: Tensor?, epsilon: Double = 1e-5) -> Tensor {
    produce("layerNorm", [self] + [weight, bias].compactMap { $0 }) {
      ctorch_layer_norm(pointer, Int64(rank), weight?.pointer, bias?.pointer, epsilon, $0)
    }
  }

  /// How the values between the given pixels are computed.
  public enum Interpolation: Sendable {
    /// The nearest pixel, towards the start.
    case nearest
    /// The weighted mean of four, with pixel centres at half-integers.
    case bilinear
    /// The cubic convolution of sixteen with a = −0.75 (Keys 1981), which may overshoot.
    case bicubic
  }

  /// Resizes images `[batch, channels, height, width]`.
  public func interpolated(height: Int, width: Int, _ method: Interpolation = .nearest) -> Tensor {
    switch method {
    case .nearest:
      produce("interpolated", [self]) { ctorch_upsample_nearest2d(pointer, Int64(height), Int64(width), $0) }
    case .bicubic:
      produce("interpolated", [self]) { ctorch_upsample_bicubic2d(pointer, Int64(height), Int64(width), $0) }
    case .bilinear:
      produce("interpolated", [self]) { ctorch_upsample_bilinear2d(pointer, Int64(height), Int64(width), $0) }
    }
  }

  /// The mean over windows of images `[batch, channels, height, width]`; padding counts as zeros.
  public func averagePool2d(kernel: Int, stride: Int? = nil, padding: Int = 0) -> Tensor {
    produce("averagePool2d", [self]) {
      ctorch_avg_pool2d(pointer, Int64(kernel), Int64(stride ?? kernel), Int64(padding), $0)
    }
  }
}
