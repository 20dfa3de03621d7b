public import Files
public import ScoreModels
import Torch

/// A process with its constants: a built-in one, or one of a program's own.
public struct ProcessConfiguration: Codable, Hashable, Sendable {
  /// The names of the processes on the command line and in files.
  public enum Kind: Codable, Hashable, Sendable, CaseIterable, RawRepresentable {
    /// `EDMProcess`.
    case edm
    /// `VarianceExploding`.
    case ve
    /// `VariancePreserving`.
    case vp
    /// `SubVariancePreserving`.
    case subVP
    /// `DiscreteVariancePreserving`.
    case ddpm
    /// A `ConfigurableProcess`, by its name.
    case own(String)

    /// The built-in processes.
    public static let allCases: [Kind] = [.edm, .ve, .vp, .subVP, .ddpm]

    /// The process of a name; a name that is not built in is one of a program's own.
    public init(rawValue: String) { self = Self.allCases.first { $0.rawValue == rawValue } ?? .own(rawValue) }

    /// The name.
    public var rawValue: String {
      switch self {
      case .edm: "edm"
      case .ve: "ve"
      case .vp: "vp"
      case .subVP: "sub-vp"
      case .ddpm: "ddpm"
      case .own(let name): name
      }
    }
  }

  /// Which process it is.
  public var kind: Kind
  /// σ_min of EDM, VE and processes of a program's own; β_min of VP, sub-VP and DDPM.
  public var minimum: Double
  /// σ_max of EDM, VE and processes of a program's own; β_max of VP, sub-VP and DDPM.
  public var maximum: Double
  /// How the rates of DDPM grow; linearly by default.
  public var betaSchedule: DiscreteVariancePreserving.BetaSchedule?
  /// The number of steps of DDPM; 1,000 by default.
  public var stepCount: Int?
  /// The configuration of a process of a program's own.
  public var options: JSONValue?

  /// Makes the configuration of a built-in process with the constants of the literature.
  public init(_ kind: Kind) {
    self.kind = kind
    (minimum, maximum) =
      switch kind {
      case .edm: (0.002, 80)
      case .ve: (0.01, 50)
      case .vp, .subVP: (0.1, 20)
      case .ddpm: (1e-4, 0.02)
      case .own: (0, 0)
      }
  }

  /// Makes the configuration of a process by its name.
  ///
  /// - Parameters:
  ///   - kind: the process.
  ///   - options: the configuration of a process of a program's own; members that are left out have their defaults.
  ///   - catalog: the processes that the program adds.
  /// - Throws: `ModelConfigurationError` or `ConfigurableError` for a process that does not exist.
  public init(_ kind: Kind, options: JSONValue?, catalog: Catalog) throws {
    self.init(kind)
    guard case .own(let name) = kind else {
      if options != nil { throw ModelConfigurationError("the process \(kind.rawValue) is built in and has no options") }
      return
    }
    self.options = try NamedConfiguration(catalog.process(named: name), options: options).options
    let levels = try makeProcess(catalog).sigmaRange
    (minimum, maximum) = (levels.lowerBound, levels.upperBound)
  }

  /// The range of noise levels σ, scales s and standard deviations σ_d of data in which `float32` arithmetic stays
  /// finite.
  ///
  /// `float32` numbers reach from 1.2·10⁻³⁸ to 3.4·10³⁸. Scores and inputs of networks contain σ², (sσ)² and σ_d/σ².
  /// These stay within 10^±36 if σ, s and σ_d stay within 10^±12; noise adds a factor of up to 6.
  static let levelRange = 1e-12...1e12

  /// Builds the process.
  ///
  /// - Parameter catalog: the processes that the program adds.
  /// - Throws: `ModelConfigurationError` unless 0 < minimum < maximum and all scales and noise levels are in the range
  ///   of `float32` arithmetic, or for a process that the catalog lacks; `ConfigurableError`, and what the process throws.
  public func makeProcess(_ catalog: Catalog = .builtIn) throws -> any DiffusionProcess {
    if case .own(let name) = kind {
      let process = try catalog.process(named: name).make(options)
      try validateLevels(of: process)
      return process
    }
    guard minimum > 0, minimum < maximum, maximum.isFinite else {
      throw ModelConfigurationError(
        "the process \(kind.rawValue) needs 0 < minimum < maximum, not \(minimum) and \(maximum)")
    }
    let stepCount = stepCount ?? 1000
    // Below 1e-7 a rate vanishes beside 1 in single precision.
    guard kind != .ddpm || minimum >= 1e-7 && maximum <= 0.999 && (2...1_000_000).contains(stepCount) else {
      throw ModelConfigurationError(
        "the process ddpm needs rates from 1e-7 to 0.999 and 2 to 1000000 steps, not \(minimum), \(maximum) and \(stepCount)"
      )
    }
    let process: any DiffusionProcess =
      switch kind {
      case .ddpm:
        DiscreteVariancePreserving(betaSchedule ?? .linear, steps: stepCount, betaMin: minimum, betaMax: maximum)
      case .edm: EDMProcess(sigmaMin: minimum, sigmaMax: maximum)
      case .ve: VarianceExploding(sigmaMin: minimum, sigmaMax: maximum)
      case .vp: VariancePreserving(betaMin: minimum, betaMax: maximum)
      case .subVP, .own: SubVariancePreserving(betaMin: minimum, betaMax: maximum)
      }
    try validateLevels(of: process)
    return process
  }

  /// Checks noise level and scale at both ends of the times, between which they are monotonic.
  private func validateLevels(of process: any DiffusionProcess) throws(ModelConfigurationError) {
    let range = Self.levelRange
    for t in [process.timeRange.lowerBound, process.timeRange.upperBound] {
      let (sigma, scale) = (process.sigma(t), process.scale(t))
      guard range.contains(sigma), range.contains(scale) else {
        let steps = kind == .ddpm ? " in \(stepCount ?? 1000) steps" : ""
        let constants = options == nil ? " from \(minimum) to \(maximum)" : ""
        let level = sigma.isFinite ? "\(sigma)" : "beyond all numbers"
        throw ModelConfigurationError(
          "the process \(kind.rawValue)\(constants)\(steps) has a noise level of \(level) at time \(t), and single precision serves from 1e-12 to 1e12"
        )
      }
    }
  }
}
