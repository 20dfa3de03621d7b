import ScoreModels
import TestSupport
import Testing
import Torch

/// A model as an argument of a test, shown by its name.
struct ScoreModelCase: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let hasEnergy: Bool
  let make: @Sendable () -> any ScoreModel

  init(_ name: String, hasEnergy: Bool = false, _ make: @escaping @Sendable () -> any ScoreModel) {
    testDescription = name
    self.hasEnergy = hasEnergy
    self.make = make
  }

  /// The models of all cases, and their energies.
  static var models: [any ScoreModel] {
    all.map { $0.make() }.flatMap { model -> [any ScoreModel] in [model] + (model.energyModel.map { [$0] } ?? []) }
  }

  static let process = EDMProcess()

  private static func network() -> MLP {
    var generator = RandomGenerator(seed: 6, purpose: .initialization)
    return MLP(.init(shape: [3], width: 8, blocks: 1, classCount: 3), using: &generator).randomized()
  }

  private static func plain() -> any ScoreModel {
    NetworkScore(network(), process: process, parameterization: .edm(sigmaData: 0.5))
  }

  private static func energy() -> any ScoreModel {
    EnergyScore(EnergyNetwork(network()), process: process, parameterization: .edm(sigmaData: 0.5))
  }

  /// Every type of model; the wrappers around a model with an energy and one without.
  static let all: [ScoreModelCase] = [
    ScoreModelCase("network") { plain() },
    ScoreModelCase("energy network", hasEnergy: true) { energy() },
    ScoreModelCase("energy alone", hasEnergy: true) { EnergyAlone(network()) },
    ScoreModelCase("fixed batches of an energy alone", hasEnergy: true) {
      FixedBatchScore(EnergyAlone(network()), batchSize: 2)
    },
    ScoreModelCase("mixture", hasEnergy: true) { Mixtures.mixture(process) },
    ScoreModelCase("fixed batches of a network") { FixedBatchScore(plain(), batchSize: 2) },
    ScoreModelCase("fixed batches of an energy", hasEnergy: true) { FixedBatchScore(energy(), batchSize: 2) },
    ScoreModelCase("guided network") { ClassifierFreeGuidance(plain(), weight: 2) },
    ScoreModelCase("guided energy", hasEnergy: true) { ClassifierFreeGuidance(energy(), weight: 2) },
    ScoreModelCase("uncertain network") { UncertainScore(plain()) },
    ScoreModelCase("uncertain energy", hasEnergy: true) { UncertainScore(energy()) },
    ScoreModelCase("clamped mixture") {
      ClampedScore(Mixtures.mixture(process), process: process, limit: 0.8)
    },
  ]
}

/// What every score model keeps to.
@Suite struct ScoreModelLawTests {
  @Test func everyScoreModelIsTried() throws {
    try expectEveryConformer(of: "ScoreModel", among: ScoreModelCase.models)
  }

  @Test(arguments: ScoreModelCase.all) func modelsKeepTheirLaws(_ modelCase: ScoreModelCase) throws {
    let model = modelCase.make()
    try expectScoreModelLaws(of: model, process: ScoreModelCase.process, shape: [3], classCount: 3)
    #expect((model.energyModel != nil) == modelCase.hasEnergy)
    let score = model.score(normal([5, 3], seed: 3), at: Tensor([0.2, 0.5, 1, 2, 5]), condition: nil)
    #expect(score.norm() > 1e-2, "a score of 0 keeps all laws")
  }

  @Test func modelsInSinglePrecisionKeepTheirLaws() throws {
    for modelCase in ScoreModelCase.all.prefix(2) {
      let model = modelCase.make()
      model.convert(to: .float32)
      try expectScoreModelLaws(of: model, process: ScoreModelCase.process, shape: [3], classCount: 3)
    }
  }
}
