import ArgumentParser
public import ScoreKit

/// A sampler by its name on the command line.
public struct NamedSampler: Sendable {
  /// The name.
  public let name: String
  /// The sampler with the defaults of its name.
  public let sampler: any Sampler
  /// Settings that belong to the name and cannot be chosen.
  public let fixed: Set<SamplerSetting>

  /// Gives a sampler a name.
  ///
  /// - Parameters:
  ///   - name: the name, such as `dpmpp-2m`.
  ///   - sampler: the sampler with the defaults of its name.
  ///   - fixed: settings that belong to the name and cannot be chosen.
  public init(_ name: String, _ sampler: any Sampler, fixed: Set<SamplerSetting> = []) {
    self.name = name
    self.sampler = sampler
    self.fixed = fixed
  }

  /// The samplers of ScoreKit, the default first.
  public static let builtIn = [
    NamedSampler("heun", HeunSampler()),
    NamedSampler("euler", EulerSampler()),
    NamedSampler("dpmpp-2m", DPMSolverPlusPlus2M(), fixed: [.eta]),
    NamedSampler("dpmpp-3m", DPMSolverPlusPlus3M(), fixed: [.eta]),
    NamedSampler("dpmpp-2m-sde", DPMSolverPlusPlus2M(eta: 1)),
    NamedSampler("dpmpp-3m-sde", DPMSolverPlusPlus3M(eta: 1)),
    NamedSampler("ddim", DDIMSampler()),
    NamedSampler("ancestral", DDIMSampler(steps: 250, eta: 1), fixed: [.eta]),
    NamedSampler("ode", ProbabilityFlowSampler()),
    NamedSampler("euler-maruyama", EulerMaruyamaSampler()),
    NamedSampler("predictor-corrector", PredictorCorrectorSampler()),
    NamedSampler("langevin", LangevinSampler()),
    NamedSampler("annealed-langevin", AnnealedLangevinSampler()),
    NamedSampler("mala", MetropolisAdjustedLangevinSampler()),
  ]

  /// Whether the option of a setting belongs to the sampler.
  func takes(_ setting: SamplerSetting) -> Bool { sampler.has(setting) && !fixed.contains(setting) }
}

/// The value of `--sampler`.
struct SamplerChoice<Tools: ToolSet>: ExpressibleByArgument {
  let entry: NamedSampler

  /// The default.
  init() { entry = Tools.samplers[0] }

  init?(argument: String) {
    guard let match = Tools.samplers.first(where: { $0.name == argument }) else { return nil }
    entry = match
  }

  static var allValueStrings: [String] { Tools.samplers.map(\.name) }
  static var defaultCompletionKind: CompletionKind { .list(allValueStrings) }
  var defaultValueDescription: String { entry.name }
}

/// The samplers of a tool, as its help and its errors name them.
struct SamplerList {
  let all: [NamedSampler]

  init(_ all: [NamedSampler]) { self.all = all }

  /// The samplers that an option belongs to: the first names of their types, then the further ones.
  private func takers(of setting: SamplerSetting) -> [NamedSampler] {
    func isFirst(_ entry: NamedSampler) -> Bool {
      all.first { type(of: $0.sampler) == type(of: entry.sampler) }?.name == entry.name
    }
    let takers = all.filter { $0.takes(setting) }
    return takers.filter(isFirst) + takers.filter { !isFirst($0) }
  }

  /// What is wrong with a setting for a sampler; `nil` if it belongs to it.
  func objection(to setting: SamplerSetting, of entry: NamedSampler) -> String? {
    if entry.takes(setting) { return nil }
    let (takers, others) = (takers(of: setting), all.filter { !$0.takes(setting) })
    func samplers(_ list: [NamedSampler]) -> String { "the sampler\(list.count == 1 ? "" : "s") \(enumerated(list))" }
    return takers.count < others.count
      ? "belongs to \(samplers(takers)), not to \(entry.name)" : "does not belong to \(samplers(others))"
  }
}

/// "a", "a and b" or "a, b and c".
private func enumerated(_ samplers: [NamedSampler]) -> String { enumerated(samplers.map(\.name)) }

private func enumerated(_ names: [String]) -> String {
  guard names.count > 1, let last = names.last else { return names.joined() }
  return "\(names.dropLast().joined(separator: ", ")) and \(last)"
}

/// What `--help` says about the defaults of settings.
extension SamplerList {
  /// What a step of a sampler is.
  enum StepUnit { case step, noiseLevel, observedState }

  private func stepUnit(_ entry: NamedSampler) -> StepUnit {
    entry.takes(.stepsPerLevel) ? .noiseLevel : entry.takes(.tolerance) ? .observedState : .step
  }

  /// Such as "18 for heun, 50 for euler and ddim", of the samplers whose steps are of a unit.
  func defaultSteps(_ unit: StepUnit) -> String {
    defaults(all.filter { stepUnit($0) == unit }) { $0.value(of: .steps, as: Int.self).map { "\($0)" } }
  }

  /// Such as "5 for annealed-langevin, 10 for mala".
  var defaultStepsPerLevel: String {
    defaults(all) { $0.value(of: .stepsPerLevel, as: Int.self).map { "\($0)" } }
  }

  /// Such as "0.1 for langevin, 0.3 for mala", or the number alone where the option belongs to one sampler.
  func defaultNumbers(_ setting: SamplerSetting) -> String {
    func number(_ sampler: any Sampler) -> String? { sampler.value(of: setting, as: Double.self).map(describe) }
    let takers = takers(of: setting)
    return takers.count == 1 ? number(takers[0].sampler) ?? "" : defaults(takers, number)
  }

  /// Such as "karras; exponential for mala; leading for ddim with the process ddpm".
  var defaultSchedules: String {
    let schedules = all.compactMap { entry in
      entry.sampler.value(of: .schedule, as: NoiseSchedule.self).map { (entry: entry, schedule: $0) }
    }
    let automatic = schedules.filter { $0.schedule == .automatic }.map(\.entry)
    let others = schedules.filter { ![.karras(), .automatic].contains($0.schedule) }
    let groups = ScheduleName.allCases.compactMap { name -> String? in
      let users = others.filter { $0.schedule == name.schedule }.map(\.entry)
      return users.isEmpty ? nil : "\(name.rawValue) for \(enumerated(users))"
    }
    return
      (["\(ScheduleName.karras.rawValue)"] + groups
      + ["\(ScheduleName.leading.rawValue) for \(enumerated(automatic)) with the process ddpm"]).joined(separator: "; ")
  }

  /// The samplers of each value, ordered by the last of them.
  private func defaults(_ entries: [NamedSampler], _ value: (any Sampler) -> String?) -> String {
    let values = entries.compactMap { value($0.sampler) }
    let distinct = values.reversed().reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }.reversed()
    return distinct.map { shared in
      "\(shared) for \(enumerated(abbreviated(entries.filter { value($0.sampler) == shared })))"
    }.joined(separator: ", ")
  }

  /// Names, with "the dpmpp samplers" in place of three or more that are all whose names begin so.
  private func abbreviated(_ entries: [NamedSampler]) -> [String] {
    func family(_ entry: NamedSampler) -> String { String(entry.name.prefix { $0 != "-" }) }
    return entries.reduce(into: []) { names, entry in
      let own = entries.filter { family($0) == family(entry) }
      let isWhole = own.count > 2 && own.count == all.count { family($0) == family(entry) }
      let name = isWhole ? "the \(family(entry)) samplers" : entry.name
      if !names.contains(name) { names.append(name) }
    }
  }

  private func describe(_ number: Double) -> String {
    number == number.rounded() ? "\(Int(number))" : "\(number)".replacing("e-0", with: "e-")
  }
}
