import CommandLineSupport
import Foundation
import ScoreKit

/// The training of one network in several ways on a part of the data, to be judged on the rest.
struct Experiment {
  /// The options that all ways share.
  let options: RunConfiguration
  /// The Gauss–Newton steps of the fit after training.
  let fitSteps: Int
  /// The points of each of them.
  let fitPoints: Int
  /// The number of held-out examples at which asymmetry and log density are measured.
  let evaluationCount: Int
  let training: Dataset
  let heldOut: Dataset
  let sigmaData: Double

  var steps: Int { options.steps ?? 0 }
  var seed: UInt64 { options.seed }

  /// Splits the data.
  init(data: Dataset, options: RunConfiguration, fitSteps: Int, fitPoints: Int, evaluationCount: Int?) throws {
    (training, heldOut) = try data.holdingOut(seed: options.seed)
    sigmaData = try training.standardDeviation
    self.options = options
    (self.fitSteps, self.fitPoints) = (fitSteps, fitPoints)
    // The log density of an image costs as much as a hundred steps of training on it.
    let isSmall = data.exampleShape.reduce(1, *) <= 256
    self.evaluationCount = min(heldOut.count, evaluationCount ?? (isSmall ? heldOut.count : 128))
  }

  func summary() throws -> String {
    let (configuration, model) = try configuration(.off, steps: steps)
    let network =
      switch configuration.network {
      case .mlp(let width, let blocks): "an MLP of \(blocks) blocks of width \(width)"
      case .unet(let channels, _): "a U-Net of channels \(channels.map(String.init).joined(separator: ", "))"
      case .own(let model): "the model \(model.name)"
      }
    return "\(training.name): \(training.count) examples to learn from, \(heldOut.count) held out; \(network), "
      + "\(try model.makeModel(seed: seed).parameterCount) parameters; batches of \(configuration.batchSize), "
      + "learning rate \(configuration.learningRate)"
  }

  /// The options of one training, none left open, and its model.
  func configuration(_ way: Way, steps: Int) throws -> (ResolvedConfiguration, ModelConfiguration) {
    var configuration = options
    way.apply(to: &configuration, steps: steps)
    return try configuration.resolved(for: training, sigmaData: sigmaData)
  }

  func makeTrainer(_ way: Way, steps: Int) throws -> Trainer {
    let (configuration, model) = try configuration(way, steps: steps)
    return try configuration.makeTrainer(of: model, on: training)
  }

  /// Trains a network and judges its averaged weights.
  func train(
    _ way: Way, steps: Int, clock: TrainingClock, report: (Trainer.Report) -> Void = { _ in }
  ) throws -> Outcome {
    let trainer = try makeTrainer(way, steps: steps)
    var outcome = Outcome(way: way, steps: steps)
    let start = clock.now
    while trainer.step < steps {
      let step = try trainer.advance()
      if step.projection != nil { outcome.projections += 1 }
      report(step)
    }
    outcome.stepTime = (clock.now - start) / Double(steps)
    try trainer.withAveragedWeights {
      if way == .fit { try makeFit(of: trainer) }
      outcome.time = clock.now - start
      try judge(trainer.model, &outcome)
    }
    return outcome
  }

  /// Makes the present weights conservative, in a fixed number of steps.
  func makeFit(of trainer: Trainer) throws {
    // The asymmetry is measured by the experiment itself; here as little as can be.
    let settings = ConservativeFit(
      pointCount: fitPoints, dataCount: 2 * fitPoints, stepLimit: fitSteps, checkInterval: fitSteps, sigmas: [1],
      checkCount: 1, seed: seed)
    try makeConservative(
      trainer.model, process: trainer.process, data: training,
      objective: options.makeObjective(sigmaData: sigmaData), until: 0, settings: settings)
  }

  /// The bytes that are resident at most while a network is trained in one way.
  func peakMemory(_ kind: Way.Kind) throws -> Int {
    try ResidentMemory.resetPeak()
    let trainer = try makeTrainer(Way.all(of: [kind], penaltyWeights: [1], projections: [2])[0], steps: 4)
    while trainer.step < 4 { try trainer.advance() }
    if kind == .fit { try makeFit(of: trainer) }
    return try ResidentMemory.peak()
  }

  // MARK: Judging

  private func judge(_ model: any ScoreModel, _ outcome: inout Outcome) throws {
    let (configuration, modelConfiguration) = try configuration(outcome.way, steps: outcome.steps)
    outcome.losses = try withoutGradients { try heldOutLosses(of: model) }
    outcome.evaluation = try Evaluator(count: evaluationCount, seed: seed).evaluation(
      of: model, process: modelConfiguration.process.makeProcess(),
      record: RunRecord(run: configuration.options, model: modelConfiguration, data: try training.fingerprint),
      step: outcome.steps, isAverage: true, on: heldOut, source: training.name)
    outcome.samples = try samples(of: model)
    if training.exampleShape == [2] { outcome.field = try ScoreField(of: model, around: training) }
  }

  /// The denoising loss of each held-out example over several noise levels, the same for every model.
  ///
  /// All examples together have the noise levels of training in each round, and each example has its share of all of them over the
  /// rounds.
  func heldOutLosses(of model: any ScoreModel) throws -> [Double] {
    let process = EDMProcess()
    let objective = options.makeObjective(sigmaData: sigmaData)
    let count = heldOut.count
    let rounds = max(1, 8192 / count)
    var sums = [Double](repeating: 0, count: count)
    for round in 0..<rounds {
      var generator = RandomGenerator(seed: seed, purpose: .probes, index: UInt64(round))
      let rising = objective.noiseLevels.times(count, process: process, using: &generator)
      let times = rising.gathering((0..<count).map { ($0 + round * count / rounds) % count })
      let noise = generator.normal([count] + heldOut.exampleShape)
      for start in stride(from: 0, to: count, by: 256) {
        let part = start..<min(start + 256, count)
        let data = try heldOut.batch(at: .range(Double(start), to: Double(part.upperBound), dtype: .int64)).examples
        let noisy = process.perturb(data, noise: noise[part], at: times[part])
        let denoised = model.denoised(noisy, at: times[part], process: process, condition: nil)
        let errors = (denoised - data).to(.float64).square().flattened(from: 1).mean(1)
        let losses = errors * objective.weighting(process.sigma(times[part])).to(.float64)
        for (index, loss) in losses.elements(as: Double.self).enumerated() {
          sums[start + index] += loss / Double(rounds)
        }
      }
    }
    return sums
  }

  private func samples(of model: any ScoreModel) throws -> Tensor {
    let count = heldOut.isImages ? 64 : 2000
    return try HeunSampler().sample(
      from: model, process: EDMProcess(), shape: heldOut.exampleShape,
      seeds: (0..<count).map { seed &+ UInt64($0) })
  }
}
