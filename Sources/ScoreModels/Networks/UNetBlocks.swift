internal import Torch

/// The parts of a U-Net, with the names that their parameters have in Hugging Face diffusers.

/// Normalisation, activation and convolution, twice, with the embedding of the noise level in between and a shortcut
/// around both.
///
/// He et al. (2016), arXiv 1603.05027; Ho, Jain & Abbeel (2020), arXiv 2006.11239. The embedding is added to the channels,
/// or scales and shifts them after the second normalisation (Dhariwal & Nichol 2021, arXiv 2105.05233).
struct UNetResidualBlock: Module {
  enum Resampling { case none, down, up }

  let norm1: GroupNorm
  let conv1: Conv2d
  let embedding: Linear
  let norm2: GroupNorm
  let conv2: Conv2d
  let shortcut: Conv2d?
  let activation: Activation
  let scalesAndShifts: Bool
  let resampling: Resampling
  let outputScale: Double

  static var parameterNames: [String: String] { ["embedding": "time_emb_proj", "shortcut": "conv_shortcut"] }

  init(
    _ inputs: Int, _ outputs: Int, resampling: Resampling = .none, outputScale: Double = 1,
    _ configuration: UNet2D.Configuration, using generator: inout RandomGenerator
  ) {
    let (groups, epsilon) = (configuration.normNumGroups, configuration.normEps)
    scalesAndShifts = configuration.resnetTimeScaleShift == .scaleShift
    norm1 = GroupNorm(inputs, groups: groups, epsilon: epsilon)
    conv1 = Conv2d(inputs, outputs, kernel: 3, using: &generator)
    embedding = Linear(
      configuration.embeddingFeatures, scalesAndShifts ? 2 * outputs : outputs, using: &generator)
    norm2 = GroupNorm(outputs, groups: groups, epsilon: epsilon)
    conv2 = Conv2d(outputs, outputs, kernel: 3, using: &generator)
    shortcut = inputs == outputs ? nil : Conv2d(inputs, outputs, kernel: 1, using: &generator)
    activation = configuration.actFn
    self.resampling = resampling
    self.outputScale = outputScale
  }

  /// Maps x `[batch, inputs, height, width]` and the activated embedding `[batch, features]` to `[batch, outputs, …]`.
  ///
  /// - Parameter size: height and width to sample up to; twice those of x by default.
  func callAsFunction(_ x: Tensor, _ e: Tensor, size: [Int]? = nil) -> Tensor {
    let input = resampled(x, size)
    var h = conv1(resampled(activation(norm1(x)), size))
    let projected = embedding(e).expandingDimension(at: 2).expandingDimension(at: 3)
    if scalesAndShifts {
      let parts = projected.chunked(2, along: 1)
      h = parts[1].adding(norm2(h), times: parts[0] + 1)
    } else {
      h = norm2(h + projected)
    }
    let y = (shortcut?(input) ?? input) + conv2(activation(h))
    return outputScale == 1 ? y : y / outputScale
  }

  private func resampled(_ x: Tensor, _ size: [Int]?) -> Tensor {
    switch resampling {
    case .none: x
    case .down: x.averagePool2d(kernel: 2)
    case .up: x.interpolated(height: size?[0] ?? 2 * x.size(2), width: size?[1] ?? 2 * x.size(3))
    }
  }
}

/// A change of resolution: a convolution, with stride 2 or after interpolation, or a residual block that resamples.
struct UNetResampler: Module {
  let conv: Conv2d?
  let resnet: UNetResidualBlock?

  static var parameterNames: [String: String] { ["resnet": ""] }

  static func down(
    _ channels: Int, _ type: UNet2D.Configuration.Resampling, _ configuration: UNet2D.Configuration,
    using generator: inout RandomGenerator
  ) -> UNetResampler {
    switch type {
    case .conv:
      let padding = configuration.downsamplePadding
      return UNetResampler(
        conv: Conv2d(channels, channels, kernel: 3, stride: 2, padding: padding, using: &generator), resnet: nil)
    case .resnet:
      return UNetResampler(
        conv: nil, resnet: UNetResidualBlock(channels, channels, resampling: .down, configuration, using: &generator))
    }
  }

  static func up(
    _ channels: Int, _ type: UNet2D.Configuration.Resampling, _ configuration: UNet2D.Configuration,
    using generator: inout RandomGenerator
  ) -> UNetResampler {
    switch type {
    case .conv:
      return UNetResampler(conv: Conv2d(channels, channels, kernel: 3, using: &generator), resnet: nil)
    case .resnet:
      return UNetResampler(
        conv: nil, resnet: UNetResidualBlock(channels, channels, resampling: .up, configuration, using: &generator))
    }
  }

  /// Halves height and width.
  func down(_ x: Tensor, _ e: Tensor) -> Tensor {
    if let resnet { return resnet(x, e) }
    guard let conv else { return x }
    // Without padding one row and one column of zeros are added at the end, as in DDPM's TensorFlow code.
    return conv(conv.padding == 0 ? x.padded(bottom: 1, right: 1) : x)
  }

  /// Brings height and width to `size`.
  func up(_ x: Tensor, _ e: Tensor, size: [Int]) -> Tensor {
    if let resnet { return resnet(x, e, size: size) }
    guard let conv else { return x }
    return conv(x.interpolated(height: size[0], width: size[1]))
  }
}

/// The blocks of one resolution on the way down.
struct UNetDownBlock: Module {
  let resnets: [UNetResidualBlock]
  let attentions: [SelfAttention2d]
  let downsamplers: [UNetResampler]

  init(
    _ inputs: Int, _ outputs: Int, _ type: UNet2D.Configuration.DownBlock, isLast: Bool,
    _ configuration: UNet2D.Configuration, using generator: inout RandomGenerator
  ) {
    var resnets: [UNetResidualBlock] = []
    var attentions: [SelfAttention2d] = []
    for index in 0..<configuration.layersPerBlock {
      resnets.append(UNetResidualBlock(index == 0 ? inputs : outputs, outputs, configuration, using: &generator))
      if type == .attention { attentions.append(configuration.attention(outputs, using: &generator)) }
    }
    self.resnets = resnets
    self.attentions = attentions
    let resampling: UNet2D.Configuration.Resampling =
      switch type {
      case .plain: .conv
      case .attention: configuration.downsampleType
      case .resnet: .resnet
      }
    downsamplers = isLast ? [] : [.down(outputs, resampling, configuration, using: &generator)]
  }

  /// Appends every intermediate result to `skips`.
  func callAsFunction(_ x: Tensor, _ e: Tensor, skips: inout [Tensor]) -> Tensor {
    var h = x
    for (index, resnet) in resnets.enumerated() {
      h = resnet(h, e)
      if index < attentions.count { h = attentions[index](h) }
      skips.append(h)
    }
    for downsampler in downsamplers {
      h = downsampler.down(h, e)
      skips.append(h)
    }
    return h
  }
}

/// The blocks at the lowest resolution: a residual block, attention, and another residual block.
struct UNetMidBlock: Module {
  let attentions: [SelfAttention2d]
  let resnets: [UNetResidualBlock]

  init(_ channels: Int, _ configuration: UNet2D.Configuration, using generator: inout RandomGenerator) {
    let scale = configuration.midBlockScaleFactor
    let first = UNetResidualBlock(channels, channels, outputScale: scale, configuration, using: &generator)
    if configuration.addAttention {
      let groups = configuration.resnetTimeScaleShift == .default ? configuration.normNumGroups : nil
      attentions = [
        SelfAttention2d(
          channels, headFeatures: configuration.attentionHeadDim, groups: configuration.attnNormNumGroups ?? groups,
          epsilon: configuration.normEps, outputScale: scale, using: &generator)
      ]
    } else {
      attentions = []
    }
    let second = UNetResidualBlock(channels, channels, outputScale: scale, configuration, using: &generator)
    resnets = [first, second]
  }

  func callAsFunction(_ x: Tensor, _ e: Tensor) -> Tensor {
    var h = resnets[0](x, e)
    for attention in attentions { h = attention(h) }
    return resnets[1](h, e)
  }
}

/// The blocks of one resolution on the way up, each of which takes one intermediate result of the way down.
struct UNetUpBlock: Module {
  let resnets: [UNetResidualBlock]
  let attentions: [SelfAttention2d]
  let upsamplers: [UNetResampler]

  /// - Parameters:
  ///   - inputs: the channels of the input, which comes from the next lower resolution.
  ///   - skipInputs: the channels of the last intermediate result that is taken, which comes from the next higher
  ///     resolution.
  init(
    _ inputs: Int, skipInputs: Int, _ outputs: Int, _ type: UNet2D.Configuration.UpBlock, isLast: Bool,
    _ configuration: UNet2D.Configuration, using generator: inout RandomGenerator
  ) {
    var resnets: [UNetResidualBlock] = []
    var attentions: [SelfAttention2d] = []
    let count = configuration.layersPerBlock + 1
    for index in 0..<count {
      let skip = index == count - 1 ? skipInputs : outputs
      resnets.append(
        UNetResidualBlock((index == 0 ? inputs : outputs) + skip, outputs, configuration, using: &generator))
      if type == .attention { attentions.append(configuration.attention(outputs, using: &generator)) }
    }
    self.resnets = resnets
    self.attentions = attentions
    let resampling: UNet2D.Configuration.Resampling =
      switch type {
      case .plain: .conv
      case .attention: configuration.upsampleType
      case .resnet: .resnet
      }
    upsamplers = isLast ? [] : [.up(outputs, resampling, configuration, using: &generator)]
  }

  /// Removes intermediate results from the end of `skips`; the output has the height and width of the next one.
  func callAsFunction(_ x: Tensor, _ e: Tensor, skips: inout [Tensor]) -> Tensor {
    var h = x
    for (index, resnet) in resnets.enumerated() {
      h = resnet(.concatenate([h, skips.removeLast()], along: 1), e)
      if index < attentions.count { h = attentions[index](h) }
    }
    for upsampler in upsamplers {
      guard let next = skips.last?.shape else { break }
      h = upsampler.up(h, e, size: [next[2], next[3]])
    }
    return h
  }
}
