import ScoreKit
import TestSupport
import Testing

/// The noise levels of a run are options, with the constants of the literature as defaults.
@Suite struct NoiseOptionsTests {
  private static var points: Dataset { Dataset.points(.moons, count: 50, seed: 0) }

  private static func resolved(_ change: (inout RunConfiguration) -> Void) throws -> (
    configuration: ResolvedConfiguration, model: ModelConfiguration
  ) {
    var configuration = RunConfiguration()
    change(&configuration)
    return try configuration.resolved(for: points)
  }

  @Test func theyReachTheProcessAndTheObjective() throws {
    let (configuration, model) = try Self.resolved {
      ($0.sigmaMin, $0.sigmaMax, $0.noiseMean, $0.noiseDeviation) = (0.05, 7, -0.5, 0.75)
    }
    #expect((model.process.minimum, model.process.maximum) == (0.05, 7))
    #expect(try model.process.makeProcess() as? EDMProcess == EDMProcess(sigmaMin: 0.05, sigmaMax: 7))
    let objective = configuration.options.makeObjective(sigmaData: 1)
    #expect(objective.noiseLevels == .logNormal(mean: -0.5, deviation: 0.75))
    var generator = RandomGenerator(seed: 1)
    let logs = objective.noiseLevels.times(4000, process: EDMProcess(), using: &generator).log()
    #expect(abs(logs.mean().item() + 0.5) < 0.02)
    #expect(abs((logs + 0.5).square().mean().item().squareRoot() - 0.75) < 0.02)
  }

  @Test func filesShowTheDefaults() throws {
    let options = try Self.resolved { _ in }.configuration.options
    #expect((options.sigmaMin, options.sigmaMax) == (0.002, 80))
    #expect((options.noiseMean, options.noiseDeviation) == (-1.2, 1.2))
    #expect(options.makeObjective(sigmaData: 1).noiseLevels == .logNormal())
    let exploding = try Self.resolved { $0.process = .ve }.configuration.options
    #expect((exploding.sigmaMin, exploding.sigmaMax, exploding.noiseMean) == (0.01, 50, nil))
    let preserving = try Self.resolved { $0.process = .vp }.configuration.options
    #expect((preserving.sigmaMin, preserving.noiseDeviation) == (nil, nil))
    #expect(preserving.makeObjective(sigmaData: 1).noiseLevels == .uniformTime)
  }

  @Test func whatDoesNotFitIsRefused() {
    for (words, change) in [
      ("sigma-min 9.0 is not below sigma-max 2.0", { ($0.sigmaMin, $0.sigmaMax) = (9, 2) }),
      ("sigma-max is a noise level of the processes edm and ve", { ($0.process, $0.sigmaMax) = (.vp, 3) }),
      ("noise-mean belongs to process edm", { ($0.process, $0.noiseMean) = (.ve, 0) }),
      ("noise-deviation and weighting likelihood", { ($0.weighting, $0.noiseDeviation) = (.likelihood, 1) }),
      ("sigma-min needs a positive number", { $0.sigmaMin = 0 }),
      ("single precision", { $0.sigmaMax = 1e15 }),
    ] as [(String, (inout RunConfiguration) -> Void)] {
      let error = #expect(throws: RunError.self) { try Self.resolved(change) }
      #expect(error?.kind == .usage && error?.description.contains(words) == true, "\(String(describing: error))")
    }
  }

  @Test(arguments: RunConfiguration.Preset.allCases) func presetsAreAllowed(_ preset: RunConfiguration.Preset) throws {
    var configuration = RunConfiguration()
    configuration.seed = 7
    configuration.apply(preset)
    try configuration.validate()
    #expect(configuration.steps != nil && configuration.seed == 7)
    if preset == .points { _ = try configuration.resolved(for: Self.points) }
  }

  @Test func thePresetOfTheDigitsIsWhatTheyGet() throws {
    var preset = RunConfiguration()
    preset.apply(.digits)
    let digits = try Dataset.digits()
    #expect(try preset.resolved(for: digits).configuration == RunConfiguration().resolved(for: digits).configuration)
  }
}
