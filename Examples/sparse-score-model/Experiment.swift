import CommandLineSupport
import Foundation
import ScoreKit

/// Which weights become 0, and how many of them.
struct Sparsity {
  /// The part of all weights.
  let part: Double
  /// The part of those between the first and the last layer.
  let target: Double
  let scope: WeightSparsity.Scope
}

/// The training of one network on a part of the data, with and without a constraint, to be judged on the rest.
struct Experiment {
  let steps: Int
  let batchSize: Int
  let seed: UInt64
  let network: MLP.Configuration
  let training: Dataset
  let heldOut: Dataset
  private let sigmaData: Double
  private let process = EDMProcess()

  /// Splits the data.
  init(data: Dataset, width: Int, blocks: Int, batchSize: Int, steps: Int, seed: UInt64) throws {
    (training, heldOut) = try data.holdingOut(seed: seed)
    sigmaData = try training.standardDeviation
    guard sigmaData > 0 else {
      throw RunError(.data, "all values in \(data.name) are the same: there is no distribution to learn")
    }
    network = MLP.Configuration(shape: data.exampleShape, width: width, blocks: blocks)
    (self.batchSize, self.steps, self.seed) = (batchSize, steps, seed)
  }

  var summary: String {
    "\(training.name): \(training.count) examples to learn from, \(heldOut.count) held out; "
      + "\(network.blocks) blocks of width \(network.width)"
  }

  private var objective: DenoisingScoreMatching {
    DenoisingScoreMatching(noiseLevels: .logNormal(), weighting: .edm(sigmaData: sigmaData))
  }

  /// The network before training.
  func makeModel() -> MLPScore {
    var generator = RandomGenerator(seed: seed, purpose: .initialization)
    return NetworkScore(
      MLP(network, using: &generator), process: process, parameterization: .edm(sigmaData: sigmaData))
  }

  /// The sparsity with which a part of all weights becomes 0, none of them in the first and the last layer.
  ///
  /// These are small, and every value of a sample passes through them: with nine tenths of them 0 the loss is much higher.
  func sparsity(_ part: Double, _ scope: WeightSparsity.Scope) throws -> Sparsity {
    let model = makeModel().namedParameters()
    func count(_ isCounted: (NamedParameter) -> Bool) -> Double {
      Double(model.filter(isCounted).reduce(0) { $0 + $1.parameter.value.elementCount })
    }
    let most = count(Self.isInnerWeight) / count { $0.parameter.shape.count >= 2 }
    guard part < most else {
      let shown = String(format: "%.3f", (most * 1000).rounded(.down) / 1000)
      throw RunError(
        .usage,
        "the layers between the first and the last have \(shown) of all weights, and --sparsity \(part) needs more; "
          + "lower it, or take a larger --width or more --blocks")
    }
    return Sparsity(part: part, target: part / most, scope: scope)
  }

  private static func isInnerWeight(_ entry: NamedParameter) -> Bool {
    entry.parameter.shape.count >= 2 && !entry.name.hasPrefix("input.") && !entry.name.hasPrefix("output.")
  }

  /// Adam, projected on sparse weights where that is wanted.
  func makeTrainer(_ model: MLPScore, _ sparsity: Sparsity?) -> Trainer {
    let optimizer: any Optimizer =
      if let sparsity {
        NullSpaceProjected(
          Adam(),
          constraint: WeightSparsity(
            of: model, target: sparsity.target, schedule: SparsitySchedule(steps: steps), scope: sparsity.scope,
            where: Self.isInnerWeight))
      } else {
        Adam()
      }
    return Trainer(
      model, process: process, data: training, objective: objective, optimizer: optimizer,
      settings: Trainer.Settings(
        seed: seed, batchSize: batchSize,
        schedule: LearningRateSchedule(peak: 1e-3, warmupSteps: steps / 20, decay: .cosine, steps: steps),
        averageDecay: 0.99))
  }

  /// Trains the network and judges it.
  func train(_ name: String, _ sparsity: Sparsity?, report: (Trainer.Report) -> Void = { _ in }) throws -> Outcome {
    let memory = try? ResidentMemory.resetPeak()
    let model = makeModel()
    let trainer = makeTrainer(model, sparsity)
    let share = sparsity.map { $0.part / $0.target } ?? 1
    var outcome = Outcome(name: name, parameterCount: model.parameterCount)
    while trainer.step < steps {
      let start = ContinuousClock.now
      let step = try trainer.advance()
      outcome.stepTimes.append((ContinuousClock.now - start) / .seconds(1))
      outcome.losses.append(step.loss)
      outcome.sparsities.append((step.projection?.measurements["sparsity"] ?? 0) * share)
      report(step)
    }
    outcome.peakMemory = memory == nil ? nil : try? ResidentMemory.peak()
    let state = trainer.state
    outcome.zeros = ZeroCount(state.model)
    outcome.averageZeros = ZeroCount(state.average)
    try trainer.withAveragedWeights {
      outcome.heldOutLoss = try withoutGradients { try heldOutLoss(of: model) }
      outcome.samples = try samples(of: model)
    }
    return outcome
  }

  /// The denoising loss on about 8192 noisy versions of the examples that were held out, the same for every network.
  func heldOutLoss(of model: any ScoreModel) throws -> Double {
    let rounds = max(1, 8192 / heldOut.count)
    let examples = try heldOut.batch(at: .range(0, to: Double(heldOut.count), dtype: .int64))
    let losses = (0..<rounds).map { round in
      var generator = RandomGenerator(seed: seed, purpose: .probes, index: UInt64(round))
      return objective.loss(of: model, on: examples, process: process, using: &generator).item()
    }
    return losses.reduce(0, +) / Double(rounds)
  }

  private func samples(of model: any ScoreModel) throws -> Tensor {
    let count = heldOut.isImages ? 64 : 2000
    return try HeunSampler().sample(
      from: model, process: process, shape: network.shape, seeds: (0..<count).map { seed &+ UInt64($0) })
  }
}
