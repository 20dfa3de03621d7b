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
  /// The known elements of each sample.
  public var observation: PartialObservation?
  /// The standard normal noise with which each sample begins; by default the noise of its seed.
  public var noise: Tensor?
  /// The weight of classifier-free guidance; 1 means no guidance.
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
  /// The default classes of samples, seed mod number of classes; `nil` for a model without classes.
  public func labels(seeds: [UInt64]) -> [Int]? {
    classCount > 0 ? seeds.map { Int($0 % UInt64(classCount)) } : nil
  }

  /// Checks, before samples are drawn, that the model can be guided with a weight.
  ///
  /// - Parameters:
  ///   - guidance: the weight.
  ///   - source: the path of the model, for the error.
  /// - Throws: `RunError` for a weight other than 1 and a model without classes.
  public func validate(guidance: Double, of source: String) throws(RunError) {
    if guidance != 1 && classCount == 0 {
      throw RunError(
        .usage, "--guidance needs a model with classes, and \(source) was trained without --class-conditional")
    }
  }
}

extension ScoreModel {
  /// Draws samples, with guidance if the request has a weight other than 1; a limit of denoised values holds after
  /// guidance.
  ///
  /// The bits of a sample depend neither on `batchSize`, nor on the number of samples, nor on its place among them. For
  /// this, the network is evaluated in batches of one fixed size, and the number of threads is rounded down to a power
  /// of two.
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
    // With a power of two threads, each thread's part of a tensor is a multiple of 32 elements too.
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

/// The number of examples in an evaluation of a network; it depends only on the shape.
///
/// For small examples a larger number costs less per example. With a multiple of 32, the bits of a result do not depend
/// on its place in the batch; 16 is enough if the number of elements is even (see `FixedBatchScore`).
func evaluationBatchSize(_ shape: [Int]) -> Int {
  let elements = max(shape.reduce(1, *), 1)
  let large = min(1024, 4096 / elements / 32 * 32)
  return large > 0 ? large : elements % 2 == 0 ? 16 : 32
}
