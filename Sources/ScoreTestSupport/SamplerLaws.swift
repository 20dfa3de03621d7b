public import Samplers
public import ScoreModels
public import Testing
internal import Torch

/// What a sampler does differently from most; its laws allow for it.
public struct SamplerTraits: OptionSet, Sendable {
  /// The traits as bits.
  public let rawValue: Int

  /// Makes a set of traits from its bits.
  public init(rawValue: Int) { self.rawValue = rawValue }

  /// The number of evaluations depends on the data, and `evaluationCount` is the smallest possible one.
  public static let adaptive = SamplerTraits(rawValue: 1)
  /// The sampler needs a model with an energy.
  public static let needsEnergy = SamplerTraits(rawValue: 2)
  /// Samples keep the noise of the last level; others end with σ = 0.
  public static let keepsNoise = SamplerTraits(rawValue: 4)
}

/// Expects a sampler to keep the laws of samplers.
///
/// - A sample is a function of its seed: neither the other samples, nor their order, nor the batch size change a bit of it; other seeds
///   give other samples.
/// - Each of `stepCount` steps is observed, in order, with noise that does not grow, and observing changes nothing.
/// - The model is evaluated `evaluationCount` times.
/// - An error of the observer ends the sampling. A state that is not finite is a `SamplerError` that names its step.
/// - The settings are valid, and each setting in `Sampler.settings` can be changed.
/// - With an order: errors fall with that order, as `expectConvergence(of:order:process:steps:tolerance:sourceLocation:)` measures.
///
/// The models are small: a network on samples of shape `[2, 3]` with three classes, and the score of normal data.
///
/// - Parameters:
///   - sampler: the sampler; few steps are enough.
///   - process: the process whose noise is removed; try several.
///   - order: the order of convergence of a sampler that solves the probability-flow ODE; `nil` for samplers with noise of their own
///     and for adaptive ones.
///   - traits: what the sampler does differently.
///   - sourceLocation: where failures are reported; by default at the call.
/// - Throws: the sampler's errors.
/// - Complexity: about 12 samplings of up to 6 samples, and for an order 4 more of up to 385 steps.
public func expectSamplerLaws(
  of sampler: any Sampler, process: any DiffusionProcess = EDMProcess(), order: Double? = nil,
  traits: SamplerTraits = [], sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let laws = SamplerLaws(sampler: sampler, process: process, traits: traits, location: sourceLocation)
  guard laws.settingsCanBeReadAndChanged() else { return }
  try laws.sampleIsAFunctionOfItsSeed()
  try laws.everyStepIsObservedInOrder()
  try laws.evaluationsAreAsManyAsPromised()
  laws.whatTheObserverThrowsEndsTheSampling()
  laws.stateThatIsNotFiniteIsReported()
  if let order { try expectConvergence(of: sampler, order: order, sourceLocation: sourceLocation) }
}

private struct SamplerLaws {
  let sampler: any Sampler
  let process: any DiffusionProcess
  let traits: SamplerTraits
  let location: SourceLocation

  private func law(_ sentence: String) -> Law { Law(sentence, of: sampler, at: location) }

  /// A network whose every output is away from 0, or an energy; in small batches, which cost less.
  private func model() -> any ScoreModel { FixedBatchScore(unbatchedModel(), batchSize: 32) }

  private func unbatchedModel() -> any ScoreModel {
    if traits.contains(.needsEnergy) { return QuarticEnergy(process: process) }
    var generator = RandomGenerator(seed: 5, purpose: .initialization)
    let network = MLP(.init(shape: [2, 3], width: 16, blocks: 1, classCount: 3), using: &generator)
    for parameter in network.parameters() {
      parameter.value = parameter.value + 0.1 * generator.normal(parameter.shape)
    }
    return NetworkScore(network, process: process, parameterization: .edm(sigmaData: 0.5))
  }

  /// Draws points of the plane from the score of normal data.
  private func drawNormal(
    _ counter: Counter, failsAt: Int? = nil, count: Int = 1, observe: ((SamplerState) throws -> Void)? = nil
  ) throws {
    let score = CountingScore(counter: counter, failsAt: failsAt, process: process)
    _ = try sampler.sample(
      from: FixedBatchScore(score, batchSize: 32), process: process, shape: [2],
      seeds: (0..<count).map { UInt64($0 + 1) }, observe: observe)
  }

  func sampleIsAFunctionOfItsSeed() throws {
    let law = law("a sample is a function of its seed")
    let model = model()
    let seeds: [UInt64] = [7, 1, 42, 7, 3, 1 << 60]
    let labels = Tensor([0, 1, 2, 0, 1, 2])
    func draw(_ indices: [Int], batchSize: Int? = nil) throws -> Tensor {
      try sampler.sample(
        from: model, process: process, shape: [2, 3], seeds: indices.map { seeds[$0] }, batchSize: batchSize,
        condition: labels.gathering(indices))
    }
    let all = try draw([0, 1, 2, 3, 4, 5])
    guard law.requires(all.shape == [6, 2, 3], "the shape is \(all.shape) instead of [6, 2, 3]") else { return }
    law.expect(all.dtype == .float64 && !all.requiresGradient, "samples are float64 and not recorded")
    law.expect(all.allFinite, "samples are not finite")
    law.expectIdentical(try draw([0, 1, 2, 3, 4, 5]), all, "a second time")
    law.expectIdentical(all[3], all[0], "with the same seed")
    law.expect((all[1] - all[0]).norm() > 1e-6, "two seeds gave the same sample")
    for indices in [[4], [5, 2], [3, 1, 4, 0, 5]] {
      law.expectIdentical(try draw(indices), all.gathering(indices), "samples \(indices) alone")
    }
    for batchSize in [1, 4] {
      law.expectIdentical(
        try draw([0, 1, 2, 3, 4, 5], batchSize: batchSize), all, "in batches of \(batchSize)")
    }
  }

  func everyStepIsObservedInOrder() throws {
    let law = law("every step is observed in order")
    var states: [SamplerState] = []
    let model = model()
    let result = try sampler.sample(
      from: model, process: process, shape: [2, 3], seeds: [1, 2], observe: { states.append($0) })
    law.expect(
      states.map(\.step) == Array(1...sampler.stepCount),
      "steps \(states.map(\.step)) are observed instead of 1 to \(sampler.stepCount)")
    law.expect(
      states.allSatisfy { $0.samples == 0..<2 && $0.stepCount == sampler.stepCount && $0.x.shape == [2, 2, 3] },
      "a state is not of the two samples")
    law.expect(
      states.allSatisfy { $0.denoised.map { $0.shape == [2, 2, 3] && $0.allFinite } ?? true },
      "denoised data have another shape than the samples, or are not finite")
    let sigmas = states.map(\.sigma)
    law.expect(zip(sigmas, sigmas.dropFirst()).allSatisfy(>=), "the noise grows: \(sigmas)")
    let accepting = states.compactMap(\.acceptance)
    law.expect(
      accepting.isEmpty || accepting.count == states.count && accepting.allSatisfy { $0.shape == [2] },
      "some states have a probability of acceptance for each sample, and some have not")
    if let last = states.last {
      if traits.contains(.keepsNoise) {
        law.expectClose(
          last.x / process.scale(last.time), result, rtol: 1e-12, atol: 1e-12, "the last state is not the sample")
      } else {
        law.expectIdentical(last.x, result, "the last state is not the sample")
        law.expect(last.sigma == 0, "the last noise level is \(last.sigma) instead of 0")
      }
    }
    let unobserved = try sampler.sample(from: model, process: process, shape: [2, 3], seeds: [1, 2])
    law.expectIdentical(unobserved, result, "without an observer")
  }

  func evaluationsAreAsManyAsPromised() throws {
    let counter = Counter()
    try drawNormal(counter, count: 3)
    let (found, promised) = (counter.calls, sampler.evaluationCount)
    law("evaluations are as many as promised").expect(
      traits.contains(.adaptive) ? found >= promised : found == promised,
      "the model is evaluated \(found) times instead of \(promised)")
  }

  func whatTheObserverThrowsEndsTheSampling() {
    struct Stop: Error {}
    let law = law("an error of the observer ends the sampling")
    var seen = 0
    let end = min(2, sampler.stepCount)
    law.expectError(Stop.self, "after step \(end)") {
      try drawNormal(Counter()) { state in
        seen += 1
        if state.step == end { throw Stop() }
      }
    }
    law.expect(seen == end, "\(seen) steps were observed instead of \(end)")
    law.expect(gradientsAreRecorded, "operations are no longer recorded")
  }

  func stateThatIsNotFiniteIsReported() {
    let law = law("a state that is not finite is reported with its step")
    var last = 0
    do {
      // The last evaluation belongs to the last step.
      try drawNormal(Counter(), failsAt: sampler.evaluationCount) { last = $0.step }
      law.expect(false, "nothing is thrown for a score of NaN")
    } catch {
      law.expect(error is SamplerError, "\(error)")
      if traits.contains(.adaptive) { return }
      let count = sampler.stepCount
      law.expect("\(error)".contains("step \(count) of \(count)"), "the error does not name the last step: \(error)")
      law.expect(last == count - 1, "\(last) steps were observed before the error instead of \(count - 1)")
    }
  }

  /// Returns whether sampling makes sense.
  func settingsCanBeReadAndChanged() -> Bool {
    let law = law("settings can be read and changed")
    for setting in SamplerSetting.allCases {
      switch setting {
      case .steps, .stepsPerLevel: check(setting, 7, law)
      case .schedule: check(setting, NoiseSchedule.linear, law)
      case .sigmaMin, .sigmaMax, .eta, .tolerance, .stepSize, .noiseLevel, .churn: check(setting, 0.7, law)
      }
    }
    if let sampler = sampler as? any DiscretizedSampler {
      func discretizations<S: DiscretizedSampler>(_: S) -> [Discretization] {
        [S().discretization, S.defaultDiscretization]
      }
      let found = discretizations(sampler)
      law.expect(found[0] == found[1], "a new sampler has \(found[0]) instead of its default \(found[1])")
    }
    do {
      try sampler.validate()
    } catch {
      return law.requires(false, "the settings are not valid: \(error)")
    }
    return law.requires(sampler.stepCount > 0, "there are \(sampler.stepCount) steps")
  }

  private func check<Value: Equatable>(_ setting: SamplerSetting, _ value: Value, _ law: Law) {
    var changed = sampler
    law.expect(changed.set(setting, to: value) == sampler.has(setting), "\(setting) cannot be set")
    let read = changed.value(of: setting, as: Value.self)
    law.expect(read == (sampler.has(setting) ? value : nil), "\(setting) is \(String(describing: read))")
  }
}
