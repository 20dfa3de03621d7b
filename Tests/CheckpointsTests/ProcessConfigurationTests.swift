import Checkpoints
import ScoreModels
import TestSupport
import Testing
import Torch

@Suite struct ProcessConfigurationTests {
  typealias Kind = ProcessConfiguration.Kind

  private static func process(_ kind: Kind, _ minimum: Double, _ maximum: Double) -> ProcessConfiguration {
    var process = ProcessConfiguration(kind)
    (process.minimum, process.maximum) = (minimum, maximum)
    return process
  }

  @Test(arguments: Kind.allCases)
  func constantsOfTheLiteratureMakeAProcess(_ kind: Kind) throws {
    _ = try ProcessConfiguration(kind).makeProcess()
  }

  @Test(arguments: Kind.allCases, [1e300, 1e100, 1e20, .infinity, .nan])
  func constantsBeyondSinglePrecisionAreRefused(_ kind: Kind, _ maximum: Double) {
    let error = #expect(throws: ModelConfigurationError.self) {
      try Self.process(kind, 0.001, maximum).makeProcess()
    }
    expectSentence(error, mentions: "process \(kind.rawValue)")
  }

  @Test(arguments: [
    process(.edm, 1e-300, 80), process(.ve, 1e-20, 50), process(.vp, 0.1, 200), process(.subVP, 0.1, 200),
    process(.vp, 1e-300, 1e-299), process(.subVP, 1e-30, 1e-20), process(.edm, 0, 1), process(.ve, -1, 1),
    process(.vp, 2, 1),
  ])
  func constantsWhoseNoiseLevelsLeaveSinglePrecisionAreRefused(_ process: ProcessConfiguration) {
    let error = #expect(throws: ModelConfigurationError.self) { try process.makeProcess() }
    expectSentence(error, mentions: "process \(process.kind.rawValue)")
  }

  /// The extremes that are allowed, with every parameterization, and data of extreme deviations.
  @Test(arguments: [
    process(.edm, 1e-12, 1e12), process(.ve, 1e-12, 1e12), process(.vp, 1e-20, 110), process(.subVP, 1e-10, 110),
    process(.ddpm, 1e-7, 0.1),
  ])
  func scoresAtTheLimitsAreFiniteInSinglePrecision(_ configuration: ProcessConfiguration) throws {
    let process = try configuration.makeProcess()
    let times = Tensor([process.timeRange.lowerBound, process.timeRange.upperBound]).to(.float32)
    for sigmaData in [1e-12, 1, 1e12] {
      for prediction in ModelConfiguration.Prediction.allCases {
        for isEnergy in [false, true] {
          var model = ModelConfiguration(
            mlp: .init(shape: [2], width: 4, blocks: 1), process: configuration, sigmaData: sigmaData,
            isEnergy: isEnergy)
          model.prediction = prediction
          let score = try model.makeModel(seed: 0)
          let noise = normal([2, 2]).to(.float32)
          let x = process.perturb(noise * sigmaData, noise: noise * 3, at: times)
          let comment = Comment(rawValue: "\(prediction) \(sigmaData) \(isEnergy)")
          #expect(x.allFinite, comment)
          #expect(score.score(x, at: times).allFinite, comment)
          #expect(score.denoised(x, at: times, process: process).allFinite, comment)
        }
      }
    }
  }

  @Test(arguments: DiscreteVariancePreserving.BetaSchedule.allCases, [10_000, 100_000, 1_000_000])
  func manyStepsWorkOrAreRefused(_ schedule: DiscreteVariancePreserving.BetaSchedule, _ steps: Int) throws {
    var configuration = ProcessConfiguration(.ddpm)
    (configuration.betaSchedule, configuration.stepCount) = (schedule, steps)
    do {
      let process = try configuration.makeProcess()
      let times = Tensor([0, 0.5, Double(steps) / 2, Double(steps - 1)])
      #expect(process.sigma(times).allFinite && process.scale(times).allFinite)
    } catch {
      expectSentence(error, mentions: "\(steps) steps")
    }
    configuration.maximum = 2e-4 * 1000 / Double(steps) + 2e-7
    configuration.minimum = 1e-7
    _ = try configuration.makeProcess()
  }
}
