import Foundation
import ScoreModels
import ScoreTraining
import TestSupport
import Testing
import Torch

/// Frozen parameters, and learning rates of their own for parts of a model.
@Suite struct LearningRateFactorTests {
  private static func trainer(
    _ factors: [String: Double]?, _ optimizer: any Optimizer = Adam(weightDecay: 0.1), clip: Double? = nil
  ) throws -> Trainer {
    var generator = RandomGenerator(seed: 7, purpose: .initialization)
    let network = MLP(.init(shape: [2], width: 8, blocks: 2), using: &generator)
    let model = NetworkScore(network, process: EDMProcess(), parameterization: .edm(sigmaData: 1))
    // Weights that are 0 have no gradient to tell apart, and −0 has a sign to lose.
    for parameter in model.parameters() {
      parameter.value = (parameter.value + 0.1 * generator.normal(parameter.shape)).replacing(
        where: (generator.uniform(parameter.shape) .< 0.1), with: -Tensor.zeros(like: parameter.value))
    }
    return Trainer(
      model, process: EDMProcess(), data: try TensorData(generator.normal([50, 2])),
      objective: DenoisingScoreMatching(noiseLevels: .logNormal(), weighting: .edm(sigmaData: 1)), optimizer: optimizer,
      settings: .init(
        batchSize: 16, schedule: .init(peak: 1e-2, steps: 20), gradientClip: clip, averageDecay: 0.9,
        learningRateFactors: factors))
  }

  private static func bits(_ tensor: Tensor?) -> [UInt32] { tensor?.elements(as: Float.self).map(\.bitPattern) ?? [] }

  private static func isFrozen(_ name: String) -> Bool { name.hasPrefix("blocks.") && name != "blocks.1.first.weight" }

  private static let frozen = ["blocks": 0, "blocks.1.first.weight": 1.0]

  @Test func frozenParametersKeepTheirBits() throws {
    for optimizer in [Adam(weightDecay: 0.1), SGD(learningRate: 1, momentum: 0.9)] as [any Optimizer] {
      let trainer = try Self.trainer(Self.frozen, optimizer)
      let before = trainer.state
      for _ in 0..<5 { try trainer.advance() }
      let after = trainer.state
      #expect(before.model.keys.contains { Self.isFrozen($0) && Self.bits(before.model[$0]).contains(0x8000_0000) })
      for name in before.model.keys {
        let isSame = Self.bits(before.model[name]) == Self.bits(after.model[name])
        let isSameAverage = Self.bits(before.average[name]) == Self.bits(after.average[name])
        #expect(isSame == Self.isFrozen(name) && isSameAverage == Self.isFrozen(name), "\(name)")
      }
    }
  }

  @Test func anAverageThatDiffersFromItsFrozenWeightsStays() throws {
    let trainer = try Self.trainer(Self.frozen)
    var state = trainer.state
    state.average = state.average.mapValues { $0 + 0.3 }
    try trainer.restore(state)
    try trainer.advance()
    for (name, value) in trainer.state.average where Self.isFrozen(name) {
      #expect(Self.bits(value) == Self.bits(state.average[name]), "\(name)")
    }
  }

  @Test func aFactorMultipliesTheStep() throws {
    for optimizer in [Adam(weightDecay: 0.1), SGD(learningRate: 1, momentum: 0.9)] as [any Optimizer] {
      let plain = try Self.trainer(nil, optimizer)
      let before = plain.state.model
      let scaled = try Self.trainer(["": 0.5, "output": 3], optimizer)
      let norms = try [plain, scaled].map { try $0.advance().gradientNorm }
      #expect(norms[0] == norms[1])
      for (name, start) in before {
        let (one, other) = try (#require(plain.state.model[name]), #require(scaled.state.model[name]))
        let factor = name.hasPrefix("output") ? 3.0 : 0.5
        expectClose(other - start, (one - start) * factor, rtol: 1e-4, atol: 1e-7, name)
        #expect((one - start).norm() > 1e-6)
      }
    }
  }

  @Test func frozenParametersDoNotCountInTheNormOfTheGradient() throws {
    let norms = try [nil, ["": 0, "output": 1], ["output": 0]].map { try Self.trainer($0).advance().gradientNorm }
    expectClose(norms[0] * norms[0], norms[1] * norms[1] + norms[2] * norms[2], rtol: 1e-5, atol: 0)
    #expect(norms.allSatisfy { $0 > 1e-3 })
    // The step of the rest is then clipped as if there were nothing else.
    let trainer = try Self.trainer(["": 0, "output": 1], SGD(learningRate: 1), clip: norms[1] / 2)
    let before = trainer.state.model
    try trainer.advance()
    let step = try before.map { try #require(trainer.state.model[$0.key]) - $0.value }
    expectClose(Tensor.flatten(step).norm(), 1e-2 * norms[1] / 2, rtol: 1e-3, atol: 0)
  }

  @Test(arguments: [[:], ["": 1], ["blocks": 1, "output": 1]])
  func factorsOfOneChangeNothing(_ factors: [String: Double]) throws {
    let trainers = try [nil, factors].map { try Self.trainer($0) }
    for trainer in trainers { for _ in 0..<4 { try trainer.advance() } }
    let (plain, other) = (trainers[0].state, trainers[1].state)
    for (name, value) in plain.model { #expect(Self.bits(value) == Self.bits(other.model[name])) }
    for (name, value) in plain.average { #expect(Self.bits(value) == Self.bits(other.average[name])) }
  }

  @Test func aRestoredTrainerGoesOnBitForBit() throws {
    let factors = Self.frozen.merging(["output": 0.2]) { $1 }
    let whole = try Self.trainer(factors)
    for _ in 0..<7 { try whole.advance() }
    let first = try Self.trainer(factors)
    for _ in 0..<3 { try first.advance() }
    let second = try Self.trainer(factors)
    try second.restore(first.state)
    for _ in 0..<4 { try second.advance() }
    let (one, other) = (whole.state, second.state)
    for (name, value) in one.model { #expect(Self.bits(value) == Self.bits(other.model[name])) }
    for (name, value) in one.average { #expect(Self.bits(value) == Self.bits(other.average[name])) }
    for (name, value) in one.optimizer { expectIdentical(value, other.optimizer[name] ?? value + 1) }
  }

  @Test func settingsAreSavedWithTheirFactors() throws {
    let settings = try Self.trainer(Self.frozen).settings
    let data = try JSONEncoder().encode(settings)
    #expect(try JSONDecoder().decode(Trainer.Settings.self, from: data) == settings)
    // Settings from before there were factors.
    let plain = try JSONEncoder().encode(try Self.trainer(nil).settings)
    #expect(!String(decoding: plain, as: UTF8.self).contains("learningRateFactors"))
    #expect(try JSONDecoder().decode(Trainer.Settings.self, from: plain).learningRateFactors == nil)
  }
}
