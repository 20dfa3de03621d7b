import ArgumentParser
import ScoreKit

/// The samplers by their names on the command line.
enum SamplerName: String, CaseIterable, ExpressibleByArgument {
  case heun
  case euler
  case dpmpp2m = "dpmpp-2m"
  case dpmpp3m = "dpmpp-3m"
  case dpmpp2mSDE = "dpmpp-2m-sde"
  case dpmpp3mSDE = "dpmpp-3m-sde"
  case ddim
  case ancestral
  case ode
  case eulerMaruyama = "euler-maruyama"
  case predictorCorrector = "predictor-corrector"
  case langevin
  case annealedLangevin = "annealed-langevin"
  case mala
}

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
struct SamplerOptions: ParsableArguments {
  @Option(help: "The algorithm.")
  var sampler = SamplerName.heun

  @Option(
    help: ArgumentHelp(
      """
      The number of steps. (default: 18 for heun and the dpmpp samplers, 50 for euler and ddim, 500 for euler-maruyama, \
      250 for ancestral and predictor-corrector, 1000 for langevin; of noise levels 100 for annealed-langevin and mala; \
      of states that are seen on the way 10 for ode)
      """, valueName: "n"))
  var steps: Int?

  @Option(
    help: ArgumentHelp(
      """
      How the noise levels are spaced: equal ratios are exponential; leading, trailing and linspace are timesteps of the \
      process ddpm. (default: karras; exponential for euler-maruyama, predictor-corrector, annealed-langevin and mala; \
      leading for ddim and ancestral with the process ddpm)
      """))
  var schedule: ScheduleName?

  @Option(help: ArgumentHelp("The smallest noise level above 0. (default: that of the process)", valueName: "x"))
  var sigmaMin: Double?

  @Option(help: ArgumentHelp("The noise level to start from. (default: that of the process)", valueName: "x"))
  var sigmaMax: Double?

  @Option(
    help: ArgumentHelp(
      "The part of fresh noise in a step. (default: 0 for ddim, 1 for dpmpp-2m-sde and dpmpp-3m-sde)", valueName: "x"))
  var eta: Double?

  @Option(help: ArgumentHelp("The error that ode allows in a step. (default: 1e-5)", valueName: "x"))
  var tolerance: Double?

  @Option(
    help: ArgumentHelp(
      """
      The size of Langevin steps, relative to the square of the noise level. (default: 0.1 for langevin, 0.062 for \
      annealed-langevin, 0.3 for mala)
      """, valueName: "x"))
  var stepSize: Double?

  @Option(help: ArgumentHelp("The noise level of langevin. (default: 0.2)", valueName: "x"))
  var noiseLevel: Double?

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
    let scheduled = SamplerName.allCases.filter { $0 != .ode && $0 != .langevin }
    let ranged = SamplerName.allCases.filter { $0 != .langevin }
    let langevin: [SamplerName] = [.langevin, .annealedLangevin, .mala]
    try check("steps-per-level", stepsPerLevel != nil, of: [.annealedLangevin, .mala])
    try check("churn", churn != nil, of: [.heun])
    try check("schedule", schedule != nil, of: scheduled)
    try check("sigma-min", sigmaMin != nil, of: ranged)
    try check("sigma-max", sigmaMax != nil, of: ranged)
    try check("eta", eta != nil, of: [.ddim, .dpmpp2mSDE, .dpmpp3mSDE])
    try check("tolerance", tolerance != nil, of: [.ode])
    try check("step-size", stepSize != nil, of: langevin)
    try check("noise-level", noiseLevel != nil, of: [.langevin])
    for (name, count) in [("steps", steps), ("steps-per-level", stepsPerLevel)] {
      if let count, !(1...1_000_000).contains(count) {
        throw ValidationError("--\(name) needs a whole number from 1 to 1000000, not \(count)")
      }
    }
    for (name, value) in [("sigma-min", sigmaMin), ("sigma-max", sigmaMax), ("noise-level", noiseLevel)] {
      if let value, !(value > 0 && value.isFinite) {
        throw ValidationError("--\(name) needs a number above 0, not \(value)")
      }
    }
    for (name, value) in [("churn", churn), ("eta", eta)] {
      if let value, !(value >= 0 && value.isFinite) { throw ValidationError("--\(name) needs 0 or more, not \(value)") }
    }
    if let tolerance, !(tolerance >= 1e-13 && tolerance < 1) {
      throw ValidationError("--tolerance needs a number from 1e-13 to below 1, not \(tolerance)")
    }
    // What is left depends on the algorithm.
    do { try makeSampler().validate() } catch { throw ValidationError(error.toolSentence) }
  }

  private func check(_ name: String, _ isGiven: Bool, of samplers: [SamplerName]) throws {
    guard isGiven, !samplers.contains(sampler) else { return }
    let others = SamplerName.allCases.filter { !samplers.contains($0) }
    let sentence =
      samplers.count < others.count
      ? "belongs to \(list(samplers)), not to \(sampler.rawValue)" : "does not belong to \(list(others))"
    throw ValidationError("--\(name) \(sentence)")
  }

  private func list(_ samplers: [SamplerName]) -> String {
    let names = samplers.map(\.rawValue)
    guard names.count > 1, let last = names.last else { return "the sampler \(names.joined())" }
    return "the samplers \(names.dropLast().joined(separator: ", ")) and \(last)"
  }

  func makeSampler(for process: ProcessConfiguration.Kind? = nil) -> any Sampler {
    // As diffusers samples from such models.
    let isDiscrete = process == .ddpm && sigmaMin == nil && sigmaMax == nil
    let steplike: NoiseSchedule = isDiscrete ? .timesteps() : .karras()
    return switch sampler {
    case .heun: scheduled(HeunSampler(steps: steps ?? 18, churn: churn ?? 0))
    case .euler: scheduled(EulerSampler(steps: steps ?? 50))
    case .dpmpp2m: scheduled(DPMSolverPlusPlus2M(steps: steps ?? 18))
    case .dpmpp3m: scheduled(DPMSolverPlusPlus3M(steps: steps ?? 18))
    case .dpmpp2mSDE: scheduled(DPMSolverPlusPlus2M(steps: steps ?? 18, eta: eta ?? 1))
    case .dpmpp3mSDE: scheduled(DPMSolverPlusPlus3M(steps: steps ?? 18, eta: eta ?? 1))
    case .ddim: scheduled(DDIMSampler(steps: steps ?? 50, eta: eta ?? 0, schedule: steplike))
    case .ancestral: scheduled(DDIMSampler(steps: steps ?? 250, eta: 1, schedule: steplike))
    case .ode:
      ProbabilityFlowSampler(
        steps: steps ?? 10, relativeTolerance: tolerance ?? 1e-5, absoluteTolerance: tolerance ?? 1e-5,
        sigmaMin: sigmaMin, sigmaMax: sigmaMax)
    case .eulerMaruyama: scheduled(EulerMaruyamaSampler(steps: steps ?? 500))
    case .predictorCorrector: scheduled(PredictorCorrectorSampler(steps: steps ?? 250))
    case .langevin: LangevinSampler(steps: steps ?? 1000, stepSize: stepSize ?? 0.1, sigma: noiseLevel ?? 0.2)
    case .annealedLangevin:
      scheduled(
        AnnealedLangevinSampler(
          noiseLevels: steps ?? 100, stepsPerLevel: stepsPerLevel ?? 5, stepSize: stepSize ?? 0.062))
    case .mala:
      scheduled(
        MetropolisAdjustedLangevinSampler(
          noiseLevels: steps ?? 100, stepsPerLevel: stepsPerLevel ?? 10, stepSize: stepSize ?? 0.3,
          burnIn: (stepsPerLevel ?? 10) / 2))
    }
  }

  /// A sampler with the noise levels that were asked for.
  private func scheduled(_ sampler: some ScheduledSampler) -> any Sampler {
    var sampler = sampler
    if let schedule { sampler.schedule = schedule.schedule }
    if let sigmaMin { sampler.sigmaMin = sigmaMin }
    if let sigmaMax { sampler.sigmaMax = sigmaMax }
    return sampler
  }
}

/// A sampler whose noise levels can be chosen.
private protocol ScheduledSampler: Sampler {
  var schedule: NoiseSchedule { get set }
  var sigmaMin: Double? { get set }
  var sigmaMax: Double? { get set }
}

extension HeunSampler: ScheduledSampler {}
extension EulerSampler: ScheduledSampler {}
extension DPMSolverPlusPlus2M: ScheduledSampler {}
extension DPMSolverPlusPlus3M: ScheduledSampler {}
extension DDIMSampler: ScheduledSampler {}
extension EulerMaruyamaSampler: ScheduledSampler {}
extension PredictorCorrectorSampler: ScheduledSampler {}
extension AnnealedLangevinSampler: ScheduledSampler {}
extension MetropolisAdjustedLangevinSampler: ScheduledSampler {}
