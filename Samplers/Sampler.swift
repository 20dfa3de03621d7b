public import Files
public import ScoreModels
public import Torch

/// An algorithm that draws samples from a score model.
///
/// A sampler is a value that holds its settings. A sampler of your own implements `stepCount` and `sample(_:)`. The
/// `SamplingRun` that `sample(_:)` receives draws noise, evaluates the model and reports steps. A sampler that steps through a
/// `Discretization` conforms to `DiscretizedSampler`.
public protocol Sampler: Sendable {
  /// The number of steps; each is observed.
  var stepCount: Int { get }
  /// The number of model evaluations for each sample.
  var evaluationCount: Int { get }
  /// The settings that can be changed by name, each with the property that holds it; none by default.
  static var settings: [SamplerSetting: PartialKeyPath<Self>] { get }
  /// Checks the settings. Every call that samples does this first.
  ///
  /// - Throws: one sentence that says which setting is wrong.
  func validate() throws(SamplerError)
  /// Runs the algorithm for a batch.
  ///
  /// - Returns: the samples, in units of the data.
  func sample(_ run: inout SamplingRun) throws -> Tensor
}

extension Sampler {
  /// One evaluation in each step.
  public var evaluationCount: Int { stepCount }

  /// Checks that there is a step.
  public func validate() throws(SamplerError) {
    try require(stepCount > 0, "a sampler needs at least 1 step, not \(stepCount)")
  }

  /// Draws a sample for each seed.
  ///
  /// A sample is a function of its seed, condition, observation and noise. Its bits depend neither on `batchSize` nor on the
  /// other samples nor on its place among them: the model is evaluated in batches of one size (see `FixedBatchScore`), and on
  /// a power of two threads, at most as many as there are. A model that is a `FixedBatchScore` already keeps its own size.
  ///
  /// The state is `float64`. The model computes in its own element type on its own device (Karras et al. 2022, arXiv
  /// 2206.00364, do the same). Nothing is recorded for differentiation.
  ///
  /// - Parameters:
  ///   - model: the score of the noisy data of `process`. Classifier-free guidance is part of the model:
  ///     `model.guided(weight:)`.
  ///   - process: the process that made the data noisy.
  ///   - shape: the shape of one sample.
  ///   - seeds: the seed of each sample.
  ///   - batchSize: the number of samples that are drawn together; all by default. It changes memory and speed, not the
  ///     samples.
  ///   - condition: an entry for each seed, such as class labels `[seeds.count]`; `nil` for unconditional samples.
  ///   - observation: what is known about each sample beforehand.
  ///   - noise: `[draws, seeds.count] + shape`, standard normal noise that replaces the first draws of the seeds' own. Most
  ///     samplers start from σ_max times the first draw.
  ///   - observe: called after each step of each batch, in order. An error that it throws ends the sampling.
  /// - Returns: `[seeds.count] + shape` in `float64`, on the processor.
  /// - Throws: `SamplerError` for settings or arguments that make no sense and for a state that is no longer finite.
  public func sample(
    from model: any ScoreModel, process: any DiffusionProcess, shape: [Int], seeds: [UInt64], batchSize: Int? = nil,
    condition: Tensor? = nil, observation: PartialObservation? = nil, noise: Tensor? = nil,
    observe: ((SamplerState) throws -> Void)? = nil
  ) throws -> Tensor {
    try require(batchSize ?? 1 > 0, "the batch size must be positive, not \(batchSize ?? 1)")
    try validate()
    try checkArguments(shape, seeds, condition, observation, noise)
    let model =
      model is FixedBatchScore
      ? model : FixedBatchScore(model, batchSize: FixedBatchScore.batchSize(exampleShape: shape))
    // Threads share a tensor in equal parts. With a power of two these are multiples of 32, as the batch sizes are.
    let threads = Engine.threadCount
    Engine.threadCount = 1 << (Int.bitWidth - 1 - threads.leadingZeroBitCount)
    defer { Engine.threadCount = threads }
    let parts = try stride(from: 0, to: seeds.count, by: batchSize ?? seeds.count).map { start in
      let range = start..<min(start + (batchSize ?? seeds.count), seeds.count)
      var run = SamplingRun(
        model: model, process: process, shape: shape, seeds: seeds, samples: range, condition: condition?[range],
        observation: observation?.samples(range), noise: noise?.slicing(range.lowerBound, range.upperBound, along: 1),
        stepCount: stepCount, observe: observe)
      return try withoutGradients {
        let samples = try sample(&run)
        return (run.observation?.imposed(on: samples) ?? samples).to(.cpu)
      }
    }
    return parts.count == 1 ? parts[0] : .concatenate(parts)
  }

  private func checkArguments(
    _ shape: [Int], _ seeds: [UInt64], _ condition: Tensor?, _ observation: PartialObservation?, _ noise: Tensor?
  ) throws(SamplerError) {
    try require(!seeds.isEmpty, "sampling needs at least one seed")
    try require(
      !shape.isEmpty && shape.allSatisfy { $0 > 0 }, "the shape of a sample has positive lengths, unlike \(shape)")
    if let condition {
      try require(
        condition.rank > 0 && condition.size(0) == seeds.count,
        "the condition has shape \(condition.shape), but needs an entry for each of the \(seeds.count) samples")
    }
    try observation?.validate(count: seeds.count, shape: shape)
    if let noise {
      try require(
        noise.rank > 0 && Array(noise.shape.dropFirst()) == [seeds.count] + shape,
        "noise of the shape \(noise.shape) does not hold draws for samples of \([seeds.count] + shape)")
    }
  }
}

/// Where a sampler is after a step.
public struct SamplerState {
  /// The batch: the positions of its samples among the seeds.
  public let samples: Range<Int>
  /// The number of steps done: 1 … `stepCount`.
  public let step: Int
  /// The number of steps in all.
  public let stepCount: Int
  /// The time of x; after a last step to the data it is the lower end of the sampling range.
  public let time: Double
  /// The noise level of x; 0 after a last step to the data.
  public let sigma: Double
  /// The scaled state xₜ of the batch, `[samples.count] + shape` in `float64`.
  public let x: Tensor
  /// The denoised data that the step was made with, of the shape of x; `nil` for samplers that compute none.
  public let denoised: Tensor?
  /// The probability with which each sample's proposal was accepted, `[samples.count]` in `float64`; `nil` for samplers
  /// that make no proposals.
  public let acceptance: Tensor?
}

/// Why samples cannot be drawn.
public struct SamplerError: Failure, Equatable {
  /// Settings or arguments that do not fit.
  public var kind: FailureKind { .usage }
  /// One sentence.
  public let sentence: Sentence
  /// The sentence, with options named as in `config.json`.
  public var description: String { sentence.description }

  /// Makes an error.
  public init(_ sentence: Sentence) { self.sentence = sentence }
}

/// Throws a sentence unless a condition holds.
package func require(_ condition: Bool, _ sentence: @autoclosure () -> Sentence) throws(SamplerError) {
  if !condition { throw SamplerError(sentence()) }
}
