import ScoreKit

/// A score model for images: residual convolutions of one width, without levels.
struct ConvolutionalScore: ConfigurableScoreModel {
  /// Its sizes; checkpoints hold them.
  struct Configuration: Codable, Hashable {
    /// The number of channels between the convolutions.
    var channels = 32
    /// The number of residual blocks.
    var blocks = 3
  }

  static let name = "conv"
  static let defaultConfiguration = Configuration()
  // The parameters are named as those of the network alone.
  static let parameterNames = ["base": ""]

  private let base: NetworkScore<ConvolutionalNetwork>

  init(_ configuration: Configuration, for context: ModelContext, using generator: inout RandomGenerator) throws {
    guard context.exampleShape.count == 3 else {
      throw ConfigurableError("the model conv is for images, not for points of \(context.exampleShape[0]) numbers")
    }
    guard (1...1024).contains(configuration.channels), (1...100).contains(configuration.blocks) else {
      throw ConfigurableError("the model conv needs 1 to 1024 channels and 1 to 100 blocks, not \(configuration)")
    }
    let network = ConvolutionalNetwork(configuration, for: context, using: &generator)
    base = NetworkScore(network, process: context.process, parameterization: .edm(sigmaData: context.sigmaData))
  }

  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor { base.score(x, at: t, condition: condition) }

  // One evaluation, without the detour through the score.
  func denoised(_ x: Tensor, at t: Tensor, process: any DiffusionProcess, condition: Tensor?) -> Tensor {
    base.denoised(x, at: t, process: process, condition: condition)
  }
}

/// The network: images to images of the same size.
struct ConvolutionalNetwork: ScoreNetwork {
  private let first: Conv2d
  private let blocks: [Block]
  private let last: Conv2d
  private let embedding: SinusoidalEmbedding
  private let classes: Embedding?
  private let classCount: Int

  init(
    _ configuration: ConvolutionalScore.Configuration, for context: ModelContext, using generator: inout RandomGenerator
  ) {
    let (channels, inputs) = (configuration.channels, context.exampleShape[0])
    let features = 64
    first = Conv2d(inputs, channels, kernel: 3, using: &generator)
    blocks = (0..<configuration.blocks).map { _ in Block(channels, features, using: &generator) }
    last = Conv2d(channels, inputs, kernel: 3, zero: true, using: &generator)
    embedding = SinusoidalEmbedding(features)
    classCount = context.classCount
    // One vector more than classes, for "none": training drops labels now and then.
    classes = classCount > 0 ? Embedding(classCount + 1, features, using: &generator) : nil
  }

  func callAsFunction(_ x: Tensor, noise: Tensor, condition: Tensor?) -> Tensor {
    var features = embedding(noise)
    if let classes {
      let labels = condition ?? .full([x.shape[0]], Double(classCount), dtype: .int64)
      features = features + classes(labels.to(x.device))
    }
    return last(blocks.reduce(first(x)) { $1($0, features) }.silu())
  }
}

/// h + conv(silu(conv(silu(h)) + noise)).
private struct Block: Module {
  private let first: Conv2d
  private let second: Conv2d
  private let projection: Linear

  init(_ channels: Int, _ features: Int, using generator: inout RandomGenerator) {
    first = Conv2d(channels, channels, kernel: 3, using: &generator)
    second = Conv2d(channels, channels, kernel: 3, zero: true, using: &generator)
    projection = Linear(features, channels, using: &generator)
  }

  func callAsFunction(_ h: Tensor, _ features: Tensor) -> Tensor {
    let shift = projection(features).reshaped([h.shape[0], h.shape[1], 1, 1])
    return h + second((first(h.silu()) + shift).silu())
  }
}
