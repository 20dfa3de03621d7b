internal import Files
public import Torch

/// A residual multilayer perceptron for points, or images taken as vectors.
///
/// h ← h + V·silu(W·silu(h) + E·e) for each block, where e embeds the noise level and the class.
public struct MLP: ScoreNetwork {
  /// The sizes of an MLP.
  public struct Configuration: Codable, Hashable, Sendable {
    /// The shape of an example.
    public var shape: [Int]
    /// The length of the hidden vectors.
    public var width: Int
    /// The number of residual blocks.
    public var blocks: Int
    /// The number of classes; 0 without labels.
    public var classCount: Int

    /// Makes a configuration.
    public init(shape: [Int], width: Int = 128, blocks: Int = 3, classCount: Int = 0) {
      self.shape = shape
      self.width = width
      self.blocks = blocks
      self.classCount = classCount
    }
  }

  /// The sizes.
  public let configuration: Configuration
  let input: Linear
  let noise: NoiseEmbedding
  let blocks: [Block]
  let output: Linear

  struct Block: Module {
    let first: Linear
    let embedding: Linear
    let second: Linear

    func callAsFunction(_ h: Tensor, _ e: Tensor) -> Tensor {
      h + second((first(h.silu()) + embedding(e)).silu())
    }
  }

  /// Makes a network; the last layer starts at 0.
  ///
  /// - Precondition: all sizes are positive.
  public init(_ configuration: Configuration, using generator: inout RandomGenerator) {
    let features = configuration.shape.reduce(1, *)
    let width = configuration.width
    demand(features > 0 && width > 1 && configuration.blocks > 0, "an MLP of \(configuration) has no weights")
    self.configuration = configuration
    input = Linear(features, width, using: &generator)
    noise = NoiseEmbedding(width, width, classCount: configuration.classCount, using: &generator)
    var blocks: [Block] = []
    for _ in 0..<configuration.blocks {
      blocks.append(
        Block(
          first: Linear(width, width, using: &generator), embedding: Linear(width, width, using: &generator),
          second: Linear(width, width, using: &generator)))
    }
    self.blocks = blocks
    output = Linear(width, features, zero: true, using: &generator)
  }

  /// Maps x `[batch] + shape` to the same shape.
  ///
  /// - Parameters:
  ///   - level: a number for each example that encodes its noise level, `[batch]`.
  ///   - condition: class labels `[batch]`, integers up to the number of classes, which stands for "no label", as `nil` does. A
  ///     network without classes ignores labels.
  public func callAsFunction(_ x: Tensor, noise level: Tensor, condition: Tensor?) -> Tensor {
    let embedding = noise(level, condition: condition)
    var h = input(x.flattened(from: 1))
    for block in blocks { h = block(h, embedding) }
    return output(h.silu()).reshaped(x.shape)
  }
}

/// An MLP as a score model.
public typealias MLPScore = NetworkScore<MLP>

/// The noise level and, where there are classes, the label as one vector.
struct NoiseEmbedding: Module {
  let sinusoids: SinusoidalEmbedding
  let first: Linear
  let second: Linear
  let classes: Embedding?

  init(_ inputs: Int, _ features: Int, classCount: Int, using generator: inout RandomGenerator) {
    sinusoids = SinusoidalEmbedding(inputs, maximumPeriod: 1_000)
    first = Linear(inputs, features, using: &generator)
    second = Linear(features, features, using: &generator)
    // One more vector stands for "no label".
    classes = classCount > 0 ? Embedding(classCount + 1, features, using: &generator) : nil
  }

  func callAsFunction(_ noise: Tensor, condition: Tensor?) -> Tensor {
    var embedding = second(first(sinusoids(noise)).silu())
    if let classes { embedding += classes(labels: condition, count: noise.size(0), on: noise.device) }
    return embedding.silu()
  }
}
