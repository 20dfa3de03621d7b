import ArgumentParser
import CommandLineSupport
import ScoreKit

/// The noise schedules by their names on the command line.
enum ScheduleName: String, CaseIterable, ExpressibleByArgument {
  case karras, exponential, linear, cosine
  case uniformTime = "uniform-time"
  case leading, trailing, linspace

  var schedule: NoiseSchedule {
    switch self {
    case .karras: .karras()
    case .exponential: .geometric
    case .linear: .linear
    case .cosine: .cosine
    case .uniformTime: .uniformTime
    case .leading: .timesteps(.leading)
    case .trailing: .timesteps(.trailing)
    case .linspace: .timesteps(.linspace)
    }
  }
}

/// Which algorithm draws the samples.
struct SamplerOptions<Tools: ToolSet>: ParsableArguments {
  @Option(help: "The algorithm.")
  var sampler = SamplerChoice<Tools>()

  @Option(
    help: ArgumentHelp(
      """
      The number of steps. (default: \(SamplerList(Tools.samplers).defaultSteps(.step)); \
      of noise levels \(SamplerList(Tools.samplers).defaultSteps(.noiseLevel)); \
      of states that are seen on the way \(SamplerList(Tools.samplers).defaultSteps(.observedState)))
      """, valueName: "n"))
  var steps: Int?

  @Option(
    help: ArgumentHelp(
      """
      How the noise levels are spaced: equal ratios are exponential; leading, trailing and linspace are timesteps of the \
      process ddpm. (default: \(SamplerList(Tools.samplers).defaultSchedules))
      """))
  var schedule: ScheduleName?

  @Option(help: ArgumentHelp("The smallest noise level above 0. (default: that of the process)", valueName: "x"))
  var sigmaMin: Double?

  @Option(help: ArgumentHelp("The noise level to start from. (default: that of the process)", valueName: "x"))
  var sigmaMax: Double?

  @Option(
    help: ArgumentHelp(
      "The part of fresh noise in a step. (default: \(SamplerList(Tools.samplers).defaultNumbers(.eta)))",
      valueName: "x"))
  var eta: Double?

  @Option(
    help: ArgumentHelp(
      "The error that ode allows in a step. (default: \(SamplerList(Tools.samplers).defaultNumbers(.tolerance)))",
      valueName: "x"))
  var tolerance: Double?

  @Option(
    help: ArgumentHelp(
      """
      The size of Langevin steps, relative to the square of the noise level. \
      (default: \(SamplerList(Tools.samplers).defaultNumbers(.stepSize)))
      """, valueName: "x"))
  var stepSize: Double?

  @Option(
    help: ArgumentHelp(
      "The noise level of langevin. (default: \(SamplerList(Tools.samplers).defaultNumbers(.noiseLevel)))",
      valueName: "x"))
  var noiseLevel: Double?

  @Option(
    help: ArgumentHelp(
      """
      The number of Langevin steps at each noise level; the first half of those of mala adapts the size of the others to \
      an acceptance of 57.4 %. (default: \(SamplerList(Tools.samplers).defaultStepsPerLevel))
      """, valueName: "n"))
  var stepsPerLevel: Int?

  @Option(
    help: ArgumentHelp(
      "The noise that Heun's sampler adds and removes again over all steps. (default: 0)", valueName: "x"))
  var churn: Double?

  func validate() throws {
    for (setting, isGiven) in [
      (.stepsPerLevel, stepsPerLevel != nil), (.churn, churn != nil), (.schedule, schedule != nil),
      (.sigmaMin, sigmaMin != nil), (.sigmaMax, sigmaMax != nil), (.eta, eta != nil), (.tolerance, tolerance != nil),
      (.stepSize, stepSize != nil), (.noiseLevel, noiseLevel != nil),
    ] as [(SamplerSetting, Bool)] {
      if isGiven, let objection = SamplerList(Tools.samplers).objection(to: setting, of: sampler.entry) {
        throw ValidationError("\(optionName(of: setting)) \(objection)")
      }
    }
    for (name, count) in [("steps", steps), ("steps-per-level", stepsPerLevel)] {
      try check(name, count, in: 1...1_000_000)
    }
    for (name, value) in [("sigma-min", sigmaMin), ("sigma-max", sigmaMax), ("noise-level", noiseLevel)] {
      try check(name, value, "needs a number above 0") { $0 > 0 && $0.isFinite }
    }
    for (name, value) in [("churn", churn), ("eta", eta)] {
      try check(name, value, "needs 0 or more") { $0 >= 0 && $0.isFinite }
    }
    try check("tolerance", tolerance, "needs a number from 1e-13 to below 1") { $0 >= 1e-13 && $0 < 1 }
    // The sampler checks the rest.
    do { try makeSampler().validate() } catch { throw ValidationError(error.toolSentence) }
  }

  /// Such as `--step-size` for `stepSize`.
  private func optionName(of setting: SamplerSetting) -> String {
    setting.rawValue.reduce("--") { $0 + ($1.isUppercase ? "-\($1.lowercased())" : "\($1)") }
  }

  /// The sampler with the settings that were given.
  func makeSampler() -> any Sampler {
    var chosen = sampler.entry.sampler
    func set<Value>(_ setting: SamplerSetting, _ value: Value?) {
      if let value { chosen.set(setting, to: value) }
    }
    set(.steps, steps)
    set(.stepsPerLevel, stepsPerLevel)
    set(.schedule, schedule?.schedule)
    set(.sigmaMin, sigmaMin)
    set(.sigmaMax, sigmaMax)
    set(.eta, eta)
    set(.tolerance, tolerance)
    set(.stepSize, stepSize)
    set(.noiseLevel, noiseLevel)
    set(.churn, churn)
    return chosen
  }
}
