internal import Checkpoints
public import Datasets
internal import Files
internal import ScoreMetrics
public import ScoreModels
internal import ScoreTraining
internal import Torch

/// How a model is evaluated.
///
/// The same seed gives the same examples, noise and probes. The noise and probes of an example do not depend on the
/// number of examples.
public struct Evaluator: Hashable, Sendable {
  /// The parts of an evaluation, in their order.
  public enum Stage: String, Sendable, CaseIterable {
    /// The loss at all noise levels.
    case loss
    /// The asymmetry of the Jacobian at all noise levels.
    case asymmetry
    /// The log likelihood.
    case likelihood
  }

  /// The default noise levels; levels that the process does not have are left out.
  public static let defaultNoiseLevels = ConservativeFit.defaultSigmas

  /// The number of examples whose likelihood is computed again with smaller steps.
  static let checkedCount = 64

  /// The largest number of examples; they are chosen at random.
  public var count: Int
  /// The noise levels σ; by default those of `defaultNoiseLevels` that the process has.
  public var noiseLevels: [Double]?
  /// The number of probes for the Jacobian and the divergence; by default both are exact for examples of up to 16
  /// elements.
  public var probeCount: Int?
  /// Whether the log likelihood is computed; this takes most of the time.
  public var measuresLikelihood: Bool
  /// The number of examples in an evaluation of the network, at most `count`; by default chosen by their shape.
  ///
  /// It changes memory and speed; values change only by rounding.
  public var batchSize: Int?
  /// The seed.
  public var seed: UInt64

  /// Makes an evaluator.
  public init(
    count: Int = 1024, noiseLevels: [Double]? = nil, probeCount: Int? = nil, measuresLikelihood: Bool = true,
    batchSize: Int? = nil, seed: UInt64 = 0
  ) {
    self.count = count
    self.noiseLevels = noiseLevels
    self.probeCount = probeCount
    self.measuresLikelihood = measuresLikelihood
    self.batchSize = batchSize
    self.seed = seed
  }

  /// Evaluates a model.
  ///
  /// - Parameters:
  ///   - model: the model, with its weights.
  ///   - process: the process that it was trained for.
  ///   - record: the record of its run.
  ///   - step: the number of training steps that led to the weights.
  ///   - isAverage: whether the weights are the moving average.
  ///   - dataset: the examples.
  ///   - source: the name of the data in errors and in the result.
  ///   - observe: called after each batch with the share of the stage that is done; an error that it throws ends the
  ///     evaluation.
  /// - Throws: `RunError` for settings or data that do not suit the model, `ConservativenessError` and `SamplerError` for a
  ///   model whose derivatives are not finite.
  public func evaluation(
    of model: any ScoreModel, process: any DiffusionProcess, record: RunRecord, step: Int, isAverage: Bool,
    on dataset: Dataset, source: String,
    observe: ((_ stage: Stage, _ share: Double) throws -> Void)? = nil
  ) throws -> Evaluation {
    let levels = try checkedNoiseLevels(of: process)
    let examples = try Examples(self, of: dataset, source: source, for: record.model)
    let losses = try examples.losses(
      of: model, process: process, at: levels, sigmaData: record.model.sigmaData, observe)
    let asymmetries = try examples.asymmetries(of: model, process: process, at: levels, probes: probeCount, observe)
    let likelihood =
      measuresLikelihood
      ? try examples.likelihood(
        of: model, process: process, sigmaData: record.model.sigmaData, probes: probeCount, observe) : nil
    return Evaluation(
      model: .init(
        step: step, isAverage: isAverage, network: record.model.network,
        parameterCount: model.parameterCount, process: record.model.process.kind,
        conservative: record.run.conservative, classCount: record.model.classCount),
      data: .init(
        source: source, count: examples.count, total: dataset.count,
        isTrainingData: try dataset.fingerprint == record.data, isLabelled: examples.labels != nil),
      seed: seed,
      levels: zip(losses, asymmetries).map { loss, asymmetry in
        .init(
          sigma: asymmetry.sigma, loss: loss, asym: asymmetry.asym, nasym: asymmetry.nasym,
          isExact: asymmetry.isExact)
      },
      likelihood: likelihood)
  }

  /// The noise levels; an error if the process does not have one of them.
  private func checkedNoiseLevels(of process: any DiffusionProcess) throws(RunError) -> [Double] {
    let range = process.timeRange
    let known = process.sigma(range.lowerBound)...process.sigma(range.upperBound)
    guard let noiseLevels else { return Self.defaultNoiseLevels.filter(known.contains) }
    if let outside = noiseLevels.first(where: { !known.contains($0) }) {
      throw RunError(
        .usage,
        "\(option: "noise-levels") needs levels of the model's process, \(known.lowerBound) … \(known.upperBound), not \(outside)"
      )
    }
    return noiseLevels
  }

  /// The chosen examples with their seeds and labels.
  private struct Examples {
    let dataset: Dataset
    let positions: Tensor
    /// The seeds of the noise and the probes of each example.
    let seeds: [UInt64]
    let labels: Tensor?
    let shape: [Int]
    /// The generator of the noise and the probes of the asymmetry.
    let generator: RandomGenerator
    /// The number of examples in an evaluation of the network, if it was given.
    let givenBatchSize: Int?
    var count: Int { seeds.count }

    init(_ evaluator: Evaluator, of dataset: Dataset, source: String, for model: ModelConfiguration) throws(RunError) {
      shape = dataset.exampleShape
      guard shape == model.shape else {
        throw RunError(
          .data, "\(source) holds \(describe(shape)), and the model was trained on \(describe(model.shape))")
      }
      guard evaluator.count > 0 else {
        throw RunError(.usage, "a model is evaluated on 1 or more examples, not \(evaluator.count)")
      }
      guard evaluator.batchSize ?? 1 > 0 else {
        throw RunError(.usage, "the batch size must be positive, not \(evaluator.batchSize ?? 0)")
      }
      self.dataset = dataset
      var generator = RandomGenerator(seed: evaluator.seed, purpose: .evaluation)
      let order = generator.uniform([dataset.count], dtype: .float64).argsort()
      let count = min(evaluator.count, dataset.count)
      positions = order[0..<count]
      generator = RandomGenerator(seed: evaluator.seed, purpose: .evaluation, index: 1)
      seeds = (0..<count).map { _ in generator.next() }
      self.generator = RandomGenerator(seed: evaluator.seed, purpose: .evaluation, index: 2)
      givenBatchSize = evaluator.batchSize.map { min($0, count) }
      labels = model.classCount > 0 ? dataset.labels?.gathering(positions) : nil
      if let largest = labels?.max().item(), largest >= Double(model.classCount) {
        throw RunError(
          .data,
          "\(source) holds class \(Int(largest)), and the model was trained on classes 0 to \(model.classCount - 1)")
      }
    }

    /// The number of examples in an evaluation of the network; by default it depends only on the shape and is small for
    /// large images, because derivatives need memory.
    var batchSize: Int {
      givenBatchSize ?? min(FixedBatchScore.batchSize(exampleShape: shape), max(4, 65536 / shape.reduce(1, *)))
    }

    /// The examples in parts of one or more evaluations; if the batch size was given, of one evaluation, because memory
    /// grows with a part.
    func parts(atLeast elements: Int = 0) -> [Range<Int>] {
      let several = givenBatchSize == nil ? elements / (batchSize * shape.reduce(1, *)) : 1
      let length = batchSize * max(1, several)
      return stride(from: 0, to: count, by: length).map { $0..<min($0 + length, count) }
    }

    /// A model whose values at an example do not depend on the other examples.
    func fixed(_ model: any ScoreModel) -> any ScoreModel { FixedBatchScore(model, batchSize: batchSize) }

    func losses(
      of model: any ScoreModel, process: any DiffusionProcess, at levels: [Double], sigmaData: Double,
      _ observe: ((Stage, Double) throws -> Void)?
    ) throws -> [Estimate] {
      let (network, device) = (fixed(model), model.device)
      let weights: [Double] = LossWeighting.edm(sigmaData: sigmaData)(Tensor(levels)).elements()
      var losses = levels.map { _ in [Double]() }
      for part in parts() {
        var noise = SampleGenerators(seeds: Array(seeds[part]), purpose: .evaluation)
        let x = try dataset.batch(positions[part]).examples.to(device)
        let condition = labels?[part].to(device)
        for (index, sigma) in levels.enumerated() {
          let times = Tensor.full([part.count], process.time(sigma: sigma), device: device)
          let noisy = process.perturb(x, noise: noise.normal(shape).to(device), at: times)
          let errors = withoutGradients {
            let denoised = network.checkedDenoised(noisy, at: times, process: process, condition: condition)
            return (denoised - x).to(.cpu).to(.float64).square().flattened(from: 1).mean(1)
          }
          losses[index] += (errors * weights[index]).elements()
        }
        try observe?(.loss, Double(part.upperBound) / Double(count))
      }
      for (sigma, values) in zip(levels, losses) where !values.allSatisfy(\.isFinite) {
        throw RunError(.data, "the model's values at noise level \(sigma) are not finite; train it again")
      }
      return losses.map(Estimate.init(meanOf:))
    }

    func asymmetries(
      of model: any ScoreModel, process: any DiffusionProcess, at levels: [Double], probes: Int?,
      _ observe: ((Stage, Double) throws -> Void)?
    ) throws -> [Asymmetry] {
      let x = try dataset.batch(positions).examples
      var generator = generator
      return try asymmetry(
        of: model, process: process, at: levels, examples: x, condition: labels,
        method: probes.map { .probes($0) } ?? .automatic, batchSize: givenBatchSize ?? min(64, batchSize),
        using: &generator
      ) { share in try observe?(.asymmetry, share) }
    }

    func likelihood(
      of model: any ScoreModel, process: any DiffusionProcess, sigmaData: Double, probes: Int?,
      _ observe: ((Stage, Double) throws -> Void)?
    ) throws -> Evaluation.Likelihood {
      var method = ProbabilityFlowLikelihood(
        divergence: probes.map { .probes($0) } ?? .automatic, sigmaData: sigmaData)
      let (network, dimensions) = (fixed(model), shape.reduce(1, *))
      let checked = min(count, Evaluator.checkedCount)
      func compute(_ part: Range<Int>, done: Int) throws -> ProbabilityFlowLikelihood.Result {
        let seeds = Array(seeds[part])
        var x = try dataset.batch(positions[part]).examples
        if dataset.isImages {
          var generators = SampleGenerators(seeds: seeds, purpose: .data)
          x = Pixels.dequantizedValues(
            of: try dataset.elements(at: positions[part]), noise: generators.uniform(shape))
        }
        return try method.logDensities(
          of: x, under: network, process: process, condition: labels?[part], seeds: seeds
        ) { share in
          try observe?(.likelihood, (Double(done) + share * Double(part.count)) / Double(count + checked))
        }
      }
      let parts = parts(atLeast: 16384)
      let results = try parts.map { try compute($0, done: $0.lowerBound) }
      let values = results.flatMap(\.logDensities)
      let evaluations = results.flatMap(\.evaluations).reduce(0, +)
      // The first examples are computed again, with smaller steps.
      method.relativeTolerance *= 0.1
      method.absoluteTolerance *= 0.1
      var errors: [Double] = []
      for part in parts where part.lowerBound < checked {
        let part = part.clamped(to: 0..<checked)
        let exact = try compute(part, done: count + part.lowerBound).logDensities
        errors += zip(values[part], exact).map { abs($0 - $1) }
      }
      let bits = values.map { Pixels.bitsPerDimension(logDensity: $0, dimensions: dimensions) }
      return Evaluation.Likelihood(
        nats: Estimate(meanOf: values), bitsPerDimension: dataset.isImages ? Estimate(meanOf: bits) : nil,
        sigmaMin: process.sigmaRange.lowerBound,
        probeCount: method.divergence.probeCount(dimensions: dimensions),
        integrationError: errors.reduce(0, +) / Double(checked),
        evaluations: Double(evaluations) / Double(count))
    }
  }
}

/// A shape in words, such as "images of 1 × 8 × 8" or "points of 2 numbers".
private func describe(_ shape: [Int]) -> String {
  let lengths = shape.map(String.init).joined(separator: " × ")
  return shape.count == 3 ? "images of \(lengths)" : "points of \(lengths) numbers"
}
