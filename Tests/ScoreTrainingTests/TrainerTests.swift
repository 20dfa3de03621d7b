import ScoreModels
import ScoreTraining
import TestSupport
import Testing
import Torch

@Suite struct TrainerTests {
  private static func makeTrainer(
    seed: UInt64 = 0, steps: Int = 40, features: Int = 2, labels: Bool = false, energy: Bool = false,
    learningRate: Double = 3e-3, data: Tensor? = nil
  ) throws -> Trainer {
    var generator = RandomGenerator(seed: 7, purpose: .initialization)
    let network = MLP(.init(shape: [features], width: 16, blocks: 1, classCount: labels ? 3 : 0), using: &generator)
    let process = EDMProcess()
    let model: any ScoreModel =
      energy
      ? NetworkScore(EnergyNetwork(network), process: process, parameterization: .edm(sigmaData: 1))
      : NetworkScore(network, process: process, parameterization: .edm(sigmaData: 1))
    let examples = data ?? RandomGenerator(seed: 1).withNormal([50, features])
    return Trainer(
      model, process: process,
      data: try TensorData(examples, labels: labels ? Tensor((0..<50).map { $0 % 3 }) : nil),
      objective: DenoisingScoreMatching(noiseLevels: .logNormal(), weighting: .edm(sigmaData: 1)),
      optimizer: Adam(),
      settings: .init(
        seed: seed, batchSize: 16,
        schedule: LearningRateSchedule(peak: learningRate, warmupSteps: 5, decay: .cosine, steps: steps),
        averageDecay: 0.9, labelDropout: labels ? 0.3 : 0, nullLabel: labels ? 3 : nil))
  }

  private func expectSame(_ first: Trainer.State, _ second: Trainer.State) {
    #expect(first.step == second.step)
    for (one, other) in [
      (first.model, second.model), (first.average, second.average), (first.optimizer, second.optimizer),
    ] {
      #expect(Set(one.keys) == Set(other.keys))
      for (name, tensor) in one {
        if let match = other[name] { expectIdentical(tensor, match) }
      }
    }
  }

  @Test(arguments: [false, true]) func trainingIsAFunctionOfItsSeed(labels: Bool) throws {
    let trainers = try [0, 0, 1].map { try Self.makeTrainer(seed: $0, labels: labels) }
    let losses = try trainers.map { trainer in try (0..<6).map { _ in try trainer.advance().loss } }
    #expect(losses[0] == losses[1])
    #expect(losses[0] != losses[2])
    expectSame(trainers[0].state, trainers[1].state)
  }

  @Test(arguments: [false, true]) func restoredTrainerGoesOnBitForBit(energy: Bool) throws {
    let whole = try Self.makeTrainer(labels: true, energy: energy)
    for _ in 0..<13 { try whole.advance() }
    let first = try Self.makeTrainer(labels: true, energy: energy)
    for _ in 0..<6 { try first.advance() }
    let second = try Self.makeTrainer(labels: true, energy: energy)
    try second.restore(first.state)
    for _ in 0..<7 { try second.advance() }
    expectSame(second.state, whole.state)
  }

  @Test func lossFalls() throws {
    let data = RandomGenerator(seed: 1).withNormal([50, 2]) * 0.2 + 1
    let trainer = try Self.makeTrainer(steps: 150, learningRate: 1e-2, data: data)
    let losses = try (0..<150).map { _ in try trainer.advance().loss }
    let first = losses.prefix(20).reduce(0, +)
    let last = losses.suffix(20).reduce(0, +)
    #expect(last < first * 0.5)
  }

  @Test func anEnergyAloneIsTrained() throws {
    var generator = RandomGenerator(seed: 7, purpose: .initialization)
    let model = EnergyAlone(MLP(.init(shape: [2], width: 16, blocks: 1), using: &generator))
    let trainer = Trainer(
      model, process: EDMProcess(), data: try TensorData(RandomGenerator(seed: 1).withNormal([50, 2]) * 0.2 + 1),
      objective: DenoisingScoreMatching(noiseLevels: .logNormal(), weighting: .edm(sigmaData: 1)),
      settings: .init(seed: 0, batchSize: 32, schedule: .init(peak: 1e-2, steps: 150)))
    let losses = try (0..<150).map { _ in try trainer.advance().loss }
    let first = losses.prefix(20).reduce(0, +)
    let last = losses.suffix(20).reduce(0, +)
    #expect(last < first * 0.7)
  }

  @Test func modelHoldsTheAverageOnlyInside() throws {
    let trainer = try Self.makeTrainer()
    for _ in 0..<5 { try trainer.advance() }
    let state = trainer.state
    trainer.withAveragedWeights {
      for (name, value) in trainer.model.state() { expectIdentical(value, state.average[name] ?? value + 1) }
    }
    for (name, value) in trainer.model.state() { expectIdentical(value, state.model[name] ?? value + 1) }
    #expect(state.model.contains { name, value in !(value .== (state.average[name] ?? value)).all() })
  }

  @Test func clippingLimitsTheUpdate() throws {
    var generator = RandomGenerator(seed: 7)
    let network = MLP(.init(shape: [2], width: 8, blocks: 1), using: &generator)
    let model = MLPScore(network, process: EDMProcess(), parameterization: .edm(sigmaData: 1))
    let before = Tensor.flatten(model.parameters().map { $0.value.detached() })
    let trainer = Trainer(
      model, process: EDMProcess(), data: try TensorData(.full([4, 2], 100)),
      objective: DenoisingScoreMatching(noiseLevels: .logNormal(), weighting: .edm(sigmaData: 1)),
      optimizer: SGD(learningRate: 1),
      settings: .init(batchSize: 4, schedule: .init(peak: 1, steps: 10), gradientClip: 0.25))
    let report = try trainer.advance()
    #expect(report.gradientNorm > 0.25)
    let after = Tensor.flatten(model.parameters().map { $0.value.detached() })
    #expect(abs((after - before).norm() - 0.25) < 1e-5)
  }

  @Test func divergenceStopsBeforeTheWeightsAreTouched() throws {
    let trainer = try Self.makeTrainer(data: .full([50, 2], .infinity))
    let before = trainer.state
    let error = #expect(throws: TrainingDiverged.self) { try trainer.advance() }
    #expect(error?.step == 1)
    #expect(error?.value.isNaN == true)
    #expect(error?.description.hasPrefix("the loss became not a number at step 1,") == true)
    expectSame(trainer.state, before)
  }

  @Test func nonFiniteUpdateStopsBeforeTheWeightsAreTouched() throws {
    let trainer = try Self.makeTrainer(learningRate: .infinity)
    let before = trainer.state
    let error = #expect(throws: TrainingDiverged.self) { try trainer.advance() }
    #expect(error?.what == "sum of the weights")
    expectSame(trainer.state, before)
  }

  @Test func dataWithoutOneLabelForEachExampleAreRefused() throws {
    let error = #expect(throws: TrainingDataError.self) { try TensorData(.ones([3, 2]), labels: Tensor([0, 1])) }
    #expect(error?.kind == .data)
    expectSentence(error, mentions: "labels of shape [2] do not fit examples of shape [3, 2]")
    for empty in [Tensor.zeros([0, 2]), .zeros([3, 0]), .zeros([])] {
      #expect(throws: TrainingDataError.self) { try TensorData(empty) }
    }
  }

  @Test func stateOfAnotherModelIsRefused() throws {
    let trainer = try Self.makeTrainer()
    let other = try Self.makeTrainer(features: 3).state
    let before = trainer.state
    #expect(throws: StateMismatch.self) { try trainer.restore(other) }
    expectSame(trainer.state, before)
  }

  @Test func stateOfAnotherOptimizerIsRefused() throws {
    let trainer = try Self.makeTrainer()
    try trainer.advance()
    let before = trainer.state
    for change: (inout [String: Tensor]) -> Void in [
      { $0["exp_avg.0"] = .zeros([3]) }, { $0["step"] = nil }, { $0["step"] = Tensor([-1]) },
      { $0["step"] = Tensor([Double.nan]) }, { $0["exp_avg.0"] = $0["exp_avg.0"]?.to(.int64) },
    ] {
      var state = before
      change(&state.optimizer)
      #expect(throws: OptimizerStateError.self) { try trainer.restore(state) }
      expectSame(trainer.state, before)
    }
  }

  @Test(arguments: [false, true]) func trainingLeavesNoHandlesBehind(energy: Bool) throws {
    try expectNoLeaks {
      let trainer = try Self.makeTrainer(labels: true, energy: energy)
      for _ in 0..<3 { try trainer.advance() }
      #expect(trainer.step == 3)
    }
  }
}
