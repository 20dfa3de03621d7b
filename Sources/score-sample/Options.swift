public import ArgumentParser
public import ScoreKit

extension Magnification: ExpressibleByArgument {}

/// The samplers by their names on the command line.
enum SamplerName: String, CaseIterable, ExpressibleByArgument {
  case heun
  case euler
  case dpmpp2m = "dpmpp-2m"
  case ddim
  case ancestral
  case eulerMaruyama = "euler-maruyama"
  case predictorCorrector = "predictor-corrector"
  case annealedLangevin = "annealed-langevin"
  case mala
}

/// Which algorithm draws the samples.
struct SamplerOptions: ParsableArguments {
  @Option(help: "The algorithm.")
  var sampler = SamplerName.heun

  @Option(
    help: ArgumentHelp(
      """
      The number of steps. (default: 18 for heun and dpmpp-2m, 50 for euler and ddim, 500 for euler-maruyama, 250 for \
      ancestral and predictor-corrector, 100 noise levels for annealed-langevin and mala)
      """, valueName: "n"))
  var steps: Int?

  @Option(
    help: ArgumentHelp(
      """
      The number of Langevin steps at each noise level; the first half of those of mala adapts the size of the others to \
      an acceptance of 57.4 %. (default: 5 for annealed-langevin, 10 for mala)
      """, valueName: "n"))
  var stepsPerLevel: Int?

  @Option(help: ArgumentHelp("The noise that Heun's sampler adds and removes again over all steps.", valueName: "x"))
  var churn: Double?

  func validate() throws {
    if let steps, !(1...1_000_000).contains(steps) {
      throw ValidationError("--steps needs a whole number from 1 to 1000000, not \(steps)")
    }
    if let stepsPerLevel {
      if sampler != .annealedLangevin && sampler != .mala {
        throw ValidationError(
          "--steps-per-level belongs to the samplers annealed-langevin and mala, not to \(sampler.rawValue)")
      }
      if !(1...1_000_000).contains(stepsPerLevel) {
        throw ValidationError("--steps-per-level needs a whole number from 1 to 1000000, not \(stepsPerLevel)")
      }
    }
    if let churn {
      if sampler != .heun { throw ValidationError("--churn belongs to the sampler heun, not to \(sampler.rawValue)") }
      if !(churn >= 0 && churn.isFinite) { throw ValidationError("--churn needs 0 or more, not \(churn)") }
    }
  }

  func makeSampler() -> any Sampler {
    switch sampler {
    case .heun: HeunSampler(steps: steps ?? 18, churn: churn ?? 0)
    case .euler: EulerSampler(steps: steps ?? 50)
    case .dpmpp2m: DPMSolverPlusPlus2M(steps: steps ?? 18)
    case .ddim: DDIMSampler(steps: steps ?? 50)
    case .ancestral: DDIMSampler(steps: steps ?? 250, eta: 1)
    case .eulerMaruyama: EulerMaruyamaSampler(steps: steps ?? 500)
    case .predictorCorrector: PredictorCorrectorSampler(steps: steps ?? 250)
    case .annealedLangevin: AnnealedLangevinSampler(noiseLevels: steps ?? 100, stepsPerLevel: stepsPerLevel ?? 5)
    case .mala:
      MetropolisAdjustedLangevinSampler(
        noiseLevels: steps ?? 100, stepsPerLevel: stepsPerLevel ?? 10, burnIn: (stepsPerLevel ?? 10) / 2)
    }
  }
}

/// The seeds as they are written on the command line: `7`, `0-63` or `1,5,9`.
struct SeedList: ExpressibleByArgument {
  /// The seeds that were named, and whether it was a single number to count from.
  let seeds: [UInt64]
  let isStart: Bool

  init?(argument: String) {
    if let seed = UInt64(argument) {
      (seeds, isStart) = ([seed], true)
      return
    }
    isStart = false
    let ends = argument.split(separator: "-", omittingEmptySubsequences: false).map { UInt64($0) }
    if ends.count == 2, let first = ends[0], let last = ends[1] {
      guard first <= last, last - first < 10_000_000 else { return nil }
      seeds = Array(first...last)
      return
    }
    guard let list = argument.split(separator: ",", omittingEmptySubsequences: false).map({ UInt64($0) }) as? [UInt64]
    else { return nil }
    seeds = list
  }

  var defaultValueDescription: String { "0" }
}

/// Which samples are drawn.
struct SampleOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The number of samples. (default: 64, or as many as seeds are given)", valueName: "n"))
  var count: Int?

  @Option(help: ArgumentHelp("The columns of the grid; about a square by default.", valueName: "n"))
  var columns: Int?

  @Option(
    help: ArgumentHelp(
      "A seed to count from, a range such as 0-63, or a list such as 1,5,9. (default: 0)", valueName: "seeds"))
  var seed: SeedList?

  @Option(help: ArgumentHelp("The number of samples drawn together: memory and speed, not the result.", valueName: "n"))
  var batchSize = 64

  @Option(
    name: .customLong("class"),
    help: ArgumentHelp("The class of all samples; without it sample i gets class seed mod classes.", valueName: "n"))
  var label: Int?

  @Option(help: ArgumentHelp("The weight of classifier-free guidance.", valueName: "x"))
  var guidance = 1.0

  func validate() throws {
    if let count, !(1...10_000_000).contains(count) {
      throw ValidationError("--count needs a whole number from 1 to 10000000, not \(count)")
    }
    if let columns, !(1...10_000).contains(columns) {
      throw ValidationError("--columns needs a whole number from 1 to 10000, not \(columns)")
    }
    if !(1...100_000).contains(batchSize) {
      throw ValidationError("--batch-size needs a whole number from 1 to 100000, not \(batchSize)")
    }
    if !guidance.isFinite { throw ValidationError("--guidance needs a number, not \(guidance)") }
    if let seed, !seed.isStart, let count, count != seed.seeds.count {
      throw ValidationError(
        "--count \(count) does not fit the \(seed.seeds.count) seeds of --seed; leave one of them out")
    }
  }

  /// The seed of each sample.
  var seeds: [UInt64] {
    if let seed, !seed.isStart { return seed.seeds }
    let start = seed?.seeds.first ?? 0
    return (0..<UInt64(count ?? 64)).map { start &+ $0 }
  }

  /// The label of each sample, for a model that knows classes.
  func labels(classCount: Int) throws -> [Int]? {
    guard classCount > 0 else {
      if label != nil {
        throw RunError(.usage, "--class needs a model with classes; train one with --class-conditional")
      }
      return nil
    }
    if let label, !(0..<classCount).contains(label) {
      throw RunError(.usage, "--class needs a class from 0 to \(classCount - 1), not \(label)")
    }
    return seeds.map { label ?? Int($0 % UInt64(classCount)) }
  }
}
