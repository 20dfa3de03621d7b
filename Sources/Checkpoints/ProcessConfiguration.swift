internal import Files
public import ScoreModels
import Torch

/// One of the built-in processes with its constants.
public struct ProcessConfiguration: Codable, Hashable, Sendable {
  /// The names of the processes on the command line and in files.
  public enum Kind: String, Codable, Hashable, Sendable, CaseIterable {
    /// `EDMProcess`.
    case edm
    /// `VarianceExploding`.
    case ve
    /// `VariancePreserving`.
    case vp
    /// `SubVariancePreserving`.
    case subVP = "sub-vp"
    /// `DiscreteVariancePreserving`.
    case ddpm
  }

  /// Which process it is.
  public var kind: Kind
  /// σ_min of EDM and VE, β_min of VP, sub-VP and DDPM.
  public var minimum: Double
  /// σ_max of EDM and VE, β_max of VP, sub-VP and DDPM.
  public var maximum: Double
  /// How the rates of DDPM grow; linearly by default.
  public var betaSchedule: DiscreteVariancePreserving.BetaSchedule?
  /// The number of steps of DDPM; 1,000 by default.
  public var stepCount: Int?

  /// Makes a configuration with the constants of the literature.
  public init(_ kind: Kind) {
    self.kind = kind
    (minimum, maximum) =
      switch kind {
      case .edm: (0.002, 80)
      case .ve: (0.01, 50)
      case .vp, .subVP: (0.1, 20)
      case .ddpm: (1e-4, 0.02)
      }
  }

  /// The range of noise levels σ, scales s and standard deviations σ_d of data in which `float32` arithmetic stays
  /// finite.
  ///
  /// `float32` numbers reach from 1.2·10⁻³⁸ to 3.4·10³⁸. Scores and inputs of networks contain σ², (sσ)² and σ_d/σ².
  /// These stay within 10^±36 if σ, s and σ_d stay within 10^±12; noise adds a factor of up to 6.
  static let levelRange = 1e-12...1e12

  /// Builds the process.
  ///
  /// - Throws: `ModelConfigurationError` unless 0 < minimum < maximum and all scales and noise levels are in the range
  ///   of `float32` arithmetic.
  public func makeProcess() throws -> any DiffusionProcess {
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
      case .subVP: SubVariancePreserving(betaMin: minimum, betaMax: maximum)
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
        let level = sigma.isFinite ? "\(sigma)" : "beyond all numbers"
        throw ModelConfigurationError(
          "the process \(kind.rawValue) from \(minimum) to \(maximum)\(steps) has a noise level of \(level) at time \(t), and single precision serves from 1e-12 to 1e12"
        )
      }
    }
  }
}
