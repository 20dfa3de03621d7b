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
  private let process = ScoreModelCase.process
  private let x = normal([5, 3], seed: 3)
  private let t = Tensor([0.2, 0.5, 1, 2, 5])
  private let labels = Tensor([0, 1, 2, 0, 1])

  @Test func everyScoreModelIsTried() throws {
    try expectEveryConformer(of: "ScoreModel", among: ScoreModelCase.models)
  }

  @Test(arguments: ScoreModelCase.all) func examplesHaveScoresOfTheirOwn(_ model: ScoreModelCase) {
    let model = model.make()
    let score = model.score(x, at: t, condition: labels)
    #expect(score.shape == x.shape && score.dtype == .float64 && score.allFinite)
    for i in 0..<5 {
      let alone = model.score(x[i..<(i + 1)], at: t[i..<(i + 1)], condition: labels[i..<(i + 1)])
      expectClose(alone, score[i..<(i + 1)], rtol: 1e-12, atol: 1e-12 * score.norm())
      #expect(alone.norm() > 1e-3)
    }
    let other = model.score(x, at: t, condition: (labels + 1) - 3 * (labels .== 2).to(.int64))
    #expect((other - score).norm() > 1e-3 * score.norm(), "the condition matters")
  }

  @Test(arguments: ScoreModelCase.all) func denoisersAreThoseOfTweedie(_ model: ScoreModelCase) {
    let model = model.make()
    let sigma = process.sigma(t).reshaped(5, 1)
    let expected = x + sigma.square() * model.score(x, at: t, condition: labels)
    let denoised = model.denoised(x, at: t, process: process, condition: labels)
    expectClose(denoised, expected, rtol: 1e-9, atol: 1e-9)
    #expect((denoised - x).norm() > 0.1)
  }

  @Test(arguments: ScoreModelCase.all) func energiesHaveTheScoreAsTheirSlope(_ model: ScoreModelCase) throws {
    let (hasEnergy, model) = (model.hasEnergy, model.make())
    #expect((model.energyModel != nil) == hasEnergy)
    guard let energyModel = model.energyModel else { return }
    let (direction, h) = (normal([5, 3], seed: 8), 1e-4)
    func energy(_ step: Double) -> Tensor { energyModel.energy(x + step * direction, at: t, condition: labels) }
    let slope = (8 * (energy(h) - energy(-h)) - (energy(2 * h) - energy(-2 * h))) / (12 * h)
    let expected = -(model.score(x, at: t, condition: labels) * direction).sum(1)
    expectClose(slope, expected, rtol: 1e-7, atol: 1e-8 * expected.norm())
  }
}
