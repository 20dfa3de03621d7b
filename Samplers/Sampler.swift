public import ScoreModels
public import Torch

/// An algorithm that draws samples from a score model.
///
/// A sampler is a value that holds its settings. One of your own implements `stepCount` and `sample(_:)` alone: what it is
/// handed draws noise, evaluates the model and reports steps.
///
/// Sample i depends on the i-th seed and nothing else in its batch, provided that the same is true of the model:
/// libtorch's kernels depend on the batch size in the last bits, which `FixedBatchScore` cures.
public protocol Sampler: Sendable {
  /// The number of steps, each of which is observed.
  var stepCount: Int { get }
  /// The number of model evaluations for each sample.
  var evaluationCount: Int { get }
  /// Checks the settings; every call that samples does so first.
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
  /// The state is `float64`; the model gets the element type it computes in, on its own device (Karras et al. 2022, arXiv
  /// 2206.00364, do the same). Nothing is recorded for differentiation.
  ///
  /// - Parameters:
  ///   - model: the score of the noisy data of `process`.
  ///   - process: the process that made the data noisy.
  ///   - shape: the shape of one sample.
  ///   - seeds: what each sample is made from.
  ///   - condition: an entry for each seed, such as class labels `[seeds.count]`, or `nil`.
  ///   - observation: what is known about the samples beforehand.
  ///   - noise: the first standard normal noise that the sampler draws, each `[seeds.count] + shape`, in place of that of the
  ///     seeds. Most samplers begin with σ_max times the first.
  ///   - observe: is called after each step, in order; what it throws ends the sampling.
  /// - Returns: `[seeds.count] + shape` in `float64`.
  /// - Throws: `SamplerError` for settings or arguments that make no sense and for a state that is no longer finite.
  public func sample(
    from model: any ScoreModel, process: any DiffusionProcess, shape: [Int], seeds: [UInt64],
    condition: Tensor? = nil, observation: PartialObservation? = nil, noise: [Tensor] = [],
    observe: ((SamplerState) throws -> Void)? = nil
  ) throws -> Tensor {
    try validate()
    var run = try SamplingRun(
      model: model, process: process, shape: shape, seeds: seeds, condition: condition,
      observation: observation, stepCount: stepCount, observe: observe)
    for part in noise {
      try require(
        part.shape == [seeds.count] + shape,
        "noise of the shape \(part.shape) is not that of samples of \([seeds.count] + shape)")
    }
    run.givenNoise = noise[...]
    return try withoutGradients {
      let samples = try sample(&run)
      return observation?.imposed(on: samples) ?? samples
    }
  }
}

/// Where a sampler is after a step.
public struct SamplerState {
  /// The number of steps done: 1 … `stepCount`.
  public let step: Int
  /// The number of steps in all.
  public let stepCount: Int
  /// The time of x; after a last step to the data it is the lower end of the sampling range.
  public let time: Double
  /// The noise level of x; 0 after a last step to the data.
  public let sigma: Double
  /// The state, `[seeds.count] + shape` in `float64`.
  public let x: Tensor
  /// The denoised data that the step was made with, where the sampler has them.
  public let denoised: Tensor?
  /// The probability with which each sample's proposal was accepted, `[seeds.count]` in `float64`, where the sampler
  /// makes proposals.
  public let acceptance: Tensor?
}

/// Why samples cannot be drawn.
public struct SamplerError: Error, CustomStringConvertible, Equatable {
  /// One sentence.
  public let description: String

  /// Makes an error.
  public init(_ description: String) { self.description = description }
}

/// Throws a sentence unless a condition holds.
package func require(_ condition: Bool, _ sentence: @autoclosure () -> String) throws(SamplerError) {
  if !condition { throw SamplerError(sentence()) }
}
