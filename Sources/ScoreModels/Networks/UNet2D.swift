internal import Files
public import Torch

/// A U-Net for images: residual blocks and attention at falling and rising resolutions, joined by skip connections.
///
/// Ho, Jain & Abbeel (2020), *Denoising diffusion probabilistic models*, arXiv 2006.11239, after Ronneberger, Fischer & Brox
/// (2015), arXiv 1505.04597.
///
/// Structure, configuration and parameter names are those of `UNet2DModel` of Hugging Face diffusers, so weights can be
/// exchanged in both directions; see `init(contentsOf:)` and `write(to:)`. Unlike there, an image may have any height and
/// width: on the way up each resolution takes the size that it had on the way down.
public struct UNet2D: ScoreNetwork {
  /// The sizes and kinds of the blocks.
  public let configuration: Configuration
  let input: Conv2d
  let sinusoids: SinusoidalEmbedding
  let fourier: FourierEmbedding?
  let noise: Projection
  let classes: Embedding?
  let downBlocks: [UNetDownBlock]
  let middle: UNetMidBlock?
  let upBlocks: [UNetUpBlock]
  let outputNorm: GroupNorm
  let output: Conv2d

  /// The names of diffusers.
  public static var parameterNames: [String: String] {
    [
      "input": "conv_in", "fourier": "time_proj", "noise": "time_embedding", "classes": "class_embedding",
      "downBlocks": "down_blocks", "middle": "mid_block", "upBlocks": "up_blocks", "outputNorm": "conv_norm_out",
      "output": "conv_out",
    ]
  }

  /// Two linear maps with an activation between.
  struct Projection: Module {
    let first: Linear
    let second: Linear

    static var parameterNames: [String: String] { ["first": "linear_1", "second": "linear_2"] }

    func callAsFunction(_ x: Tensor) -> Tensor { second(first(x).silu()) }
  }

  /// Makes a network with random weights.
  ///
  /// - Parameter zeroOutput: whether the last convolution starts at 0, so that the network does; otherwise it starts as
  ///   in PyTorch.
  /// - Precondition: the configuration is valid; `Configuration.validate()` says so with an error.
  public init(_ configuration: Configuration, zeroOutput: Bool = true, using generator: inout RandomGenerator) {
    do { try configuration.validate() } catch { endProgram("\(error)") }
    self.configuration = configuration
    let channels = configuration.blockOutChannels
    let (first, last) = (channels[0], channels[channels.count - 1])
    let features = configuration.embeddingFeatures
    input = Conv2d(configuration.inChannels, first, kernel: 3, using: &generator)
    sinusoids = SinusoidalEmbedding(
      first, shift: Double(configuration.freqShift), cosinesFirst: configuration.flipSinToCos)
    let isFourier = configuration.timeEmbeddingType == .fourier
    fourier = isFourier ? FourierEmbedding(2 * first, using: &generator) : nil
    noise = Projection(
      first: Linear(isFourier ? 2 * first : first, features, using: &generator),
      second: Linear(features, features, using: &generator))
    classes = configuration.numClassEmbeds.map { Embedding($0, features, using: &generator) }

    var downBlocks: [UNetDownBlock] = []
    for (level, type) in configuration.downBlockTypes.enumerated() {
      downBlocks.append(
        UNetDownBlock(
          level == 0 ? first : channels[level - 1], channels[level], type, isLast: level == channels.count - 1,
          configuration, using: &generator))
    }
    self.downBlocks = downBlocks
    middle = configuration.midBlockType == nil ? nil : UNetMidBlock(last, configuration, using: &generator)
    var upBlocks: [UNetUpBlock] = []
    for (index, type) in configuration.upBlockTypes.enumerated() {
      let level = channels.count - 1 - index
      upBlocks.append(
        UNetUpBlock(
          index == 0 ? last : channels[level + 1], skipInputs: level == 0 ? first : channels[level - 1],
          channels[level], type, isLast: level == 0, configuration, using: &generator))
    }
    self.upBlocks = upBlocks
    outputNorm = GroupNorm(first, groups: configuration.normNumGroups, epsilon: configuration.normEps)
    output = Conv2d(first, configuration.outChannels, kernel: 3, zero: zeroOutput, using: &generator)
  }

  /// Maps images x `[batch, channels, height, width]` to the same shape.
  ///
  /// Height and width are at least 1, or 2^(levels − 1) where resolutions are halved without padding.
  ///
  /// - Parameters:
  ///   - level: the noise level `[batch]`: a time step or any number for positional embeddings, σ > 0 for Fourier ones.
  ///   - condition: class labels `[batch]`, integers below `numClassEmbeds`. In a network with classes, `nil` stands
  ///     for the last class, which our own models reserve for "no label". A network without classes ignores labels.
  public func callAsFunction(_ x: Tensor, noise level: Tensor, condition: Tensor?) -> Tensor {
    let e = embedding(level, condition, x.dtype)
    var h = input(configuration.centerInputSample ? x * 2 - 1 : x)
    var skips = [h]
    for block in downBlocks { h = block(h, e, skips: &skips) }
    if let middle { h = middle(h, e) }
    for block in upBlocks { h = block(h, e, skips: &skips) }
    let y = output(outputNorm(h).silu())
    return fourier == nil ? y : y / level.to(y.dtype).broadcastable(toRank: 4)
  }

  /// The activated embedding of noise level and label, shared by all blocks.
  private func embedding(_ level: Tensor, _ condition: Tensor?, _ dtype: DType) -> Tensor {
    var e = noise((fourier?(level) ?? sinusoids(level)).to(dtype))
    if let classes { e += classes(labels: condition, count: level.size(0), on: level.device) }
    return configuration.actFn(e)
  }
}

/// A U-Net as a score model.
public typealias UNetScore = NetworkScore<UNet2D>
