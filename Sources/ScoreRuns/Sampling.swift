public import Checkpoints
public import Samplers
public import ScoreModels
public import Torch

/// How samples are drawn from a model.
public struct SampleRequest {
  /// The algorithm.
  public var sampler: any Sampler
  /// The seed of each sample; sample i depends on seed i alone.
  public var seeds: [UInt64]
  /// The number of samples that are drawn together; it changes memory and speed, not the samples.
  public var batchSize: Int
  /// The label of each sample, where the model knows classes.
  public var labels: [Int]?
  /// What is known about each sample beforehand.
  public var observation: PartialObservation?
  /// The standard normal noise that each sample begins with, in place of that of its seed.
  public var noise: Tensor?
  /// The weight of classifier-free guidance; 1 leaves the score.
  public var guidance: Double

  /// Makes a request.
  public init(
    sampler: any Sampler, seeds: [UInt64], batchSize: Int = 64, labels: [Int]? = nil, guidance: Double = 1,
    observation: PartialObservation? = nil, noise: Tensor? = nil
  ) {
    self.sampler = sampler
    self.seeds = seeds
    self.batchSize = batchSize
    self.labels = labels
    self.guidance = guidance
    self.observation = observation
    self.noise = noise
  }
}

extension ModelConfiguration {
  /// The classes of samples where none is asked for: seed mod classes; `nil` for a model that knows none.
  public func labels(seeds: [UInt64]) -> [Int]? {
    classCount > 0 ? seeds.map { Int($0 % UInt64(classCount)) } : nil
  }

  /// Checks, before samples are drawn, whether classifier-free guidance can have a weight.
  ///
  /// - Parameters:
  ///   - guidance: the weight.
  ///   - source: what the model was loaded from.
  /// - Throws: `RunError` for a weight other than 1 and a model without classes.
  public func validate(guidance: Double, of source: String) throws(RunError) {
    if guidance != 1 && classCount == 0 {
      throw RunError(
        .usage, "--guidance needs a model with classes, and \(source) was trained without --class-conditional")
    }
  }
}

extension ScoreModel {
  /// Draws samples, guided where the request says so; a limit of denoised values is kept by the guided ones.
  ///
  /// The network is evaluated in batches of one fixed size, so that a sample's bits depend neither on `batchSize` nor on
  /// how many samples are drawn; and on a power of two threads, at most as many as there are, so that they do not depend
  /// on the sample's place among the others.
  ///
  /// - Parameters:
  ///   - shape: the shape of a sample.
  ///   - observe: called after each step of each batch with the positions of its samples among the seeds.
  /// - Returns: `[seeds.count] + shape`, as `float64`.
  /// - Throws: `SamplerError`, or what `observe` throws.
  public func samples(
    _ request: SampleRequest, process: any DiffusionProcess, shape: [Int],
    observe: ((_ samples: Range<Int>, _ state: SamplerState) throws -> Void)? = nil
  ) throws -> Tensor {
    precondition(request.batchSize > 0, "the batch size must be positive, not \(request.batchSize)")
    precondition(
      request.labels.map { $0.count == request.seeds.count } ?? true,
      "each of \(request.seeds.count) samples needs a label")
    let model = FixedBatchScore(guided(weight: request.guidance), batchSize: evaluationBatchSize(shape))
    // A power of two threads share a tensor in parts that are multiples of 32 too.
    let threads = Engine.threadCount
    Engine.threadCount = 1 << (Int.bitWidth - 1 - threads.leadingZeroBitCount)
    defer { Engine.threadCount = threads }
    var parts: [Tensor] = []
    for start in stride(from: 0, to: request.seeds.count, by: request.batchSize) {
      let range = start..<min(start + request.batchSize, request.seeds.count)
      let labels = request.labels.map { Tensor(Array($0[range])) }
      let part = try request.sampler.sample(
        from: model, process: process, shape: shape, seeds: Array(request.seeds[range]), condition: labels,
        observation: request.observation?.samples(range),
        noise: request.noise.map { [$0[range].to(.float64)] } ?? [],
        observe: observe.map { observe in { try observe(range, $0) } }
      )
      parts.append(part.to(.cpu))
    }
    return parts.isEmpty ? .zeros([0] + shape, dtype: .float64) : .concatenate(parts)
  }
}

/// The number of examples in an evaluation of a network: a function of the shape alone.
///
/// Larger ones cost less for each example where examples are small. A multiple of 32 keeps the bits of a result independent
/// of its place; 16 does where the number of elements is even (see `FixedBatchScore`).
func evaluationBatchSize(_ shape: [Int]) -> Int {
  let elements = max(shape.reduce(1, *), 1)
  let large = min(1024, 4096 / elements / 32 * 32)
  return large > 0 ? large : elements % 2 == 0 ? 16 : 32
}
