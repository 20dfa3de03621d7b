internal import Files
import Foundation
public import ScoreModels
internal import Torch

/// How the noise levels of a sampler's steps are spaced between the largest and the smallest.
public enum NoiseSchedule: Hashable, Sendable {
  /// Equal distances in σ^(1/ρ): σᵢ = (σ_max^(1/ρ) + i/(N−1)·(σ_min^(1/ρ) − σ_max^(1/ρ)))^ρ.
  ///
  /// Karras et al. (2022), arXiv 2206.00364, equation 5.
  case karras(rho: Double = 7)
  /// Equal ratios σᵢ₊₁/σᵢ, the limit of `karras` for ρ → ∞; with `VarianceExploding` the same as `uniformTime`.
  ///
  /// Song & Ermon (2019), arXiv 1907.05600.
  case geometric
  /// Equal distances in time.
  ///
  /// Song et al. (2021), arXiv 2011.13456. It does not suit `EDMProcess`, whose time is the noise level: hardly a step is
  /// left for small noise.
  case uniformTime
  /// Equal distances in σ, as `karras` with ρ = 1. Most steps are at large noise.
  case linear
  /// Equal distances in the angle φ = arctan σ. The scale of a variance-preserving process is cos φ and follows a cosine.
  ///
  /// Nichol & Dhariwal (2021), arXiv 2102.09672, without their offset; Salimans & Ho (2022), arXiv 2202.00512, appendix D.
  case cosine
  /// The timesteps of a `DiscreteVariancePreserving` process that diffusers' schedulers would take.
  case timesteps(TimestepSpacing = .leading, offset: Int = 0)
  /// `timesteps()` for a `DiscreteVariancePreserving` process, as diffusers samples from it, if neither σ_min nor σ_max is
  /// given; else `karras()`.
  case automatic
  /// The given noise levels, from the largest to the smallest above 0: as many as there are steps.
  case explicit([Double])

  /// Noise levels from the largest to the smallest, both included; a single level is the largest.
  ///
  /// - Parameters:
  ///   - count: the number of levels.
  ///   - process: the process whose levels they are.
  ///   - sigmaMin: the smallest σ; `nil` means the smallest of the sampling range.
  ///   - sigmaMax: the largest σ; `nil` means the largest of the sampling range.
  /// - Throws: `SamplerError` unless `count` and ρ are positive and 0 < σ_min < σ_max are noise levels of the process.
  public func levels(
    _ count: Int, of process: any DiffusionProcess, sigmaMin: Double? = nil, sigmaMax: Double? = nil
  ) throws(SamplerError) -> [NoiseLevel] {
    try require(count > 0, "a schedule needs at least 1 noise level, not \(count)")
    if case .automatic = self {
      let hasTimesteps = process is DiscreteVariancePreserving && sigmaMin == nil && sigmaMax == nil
      return try (hasTimesteps ? NoiseSchedule.timesteps() : .karras())
        .levels(count, of: process, sigmaMin: sigmaMin, sigmaMax: sigmaMax)
    }
    if case .timesteps(let spacing, let offset) = self {
      try require(sigmaMin == nil && sigmaMax == nil, "timesteps have noise levels of their own, and no σ_min or σ_max")
      let sigmas = try spacing.sigmas(count, offset: offset, of: process)
      return try NoiseSchedule.explicit(sigmas).levels(count, of: process)
    }
    let range = process.samplingSigmaRange
    var (low, high) = (sigmaMin ?? range.lowerBound, sigmaMax ?? range.upperBound)
    if case .explicit(let sigmas) = self {
      try require(
        sigmas.count == count && sigmas.allSatisfy({ $0 > 0 && $0.isFinite })
          && zip(sigmas, sigmas.dropFirst()).allSatisfy({ $0 > $1 }),
        "an explicit schedule of \(count) steps needs \(count) positive noise levels that fall, not \(sigmas)")
      try require(
        sigmaMin == nil && sigmaMax == nil, "an explicit schedule has noise levels of its own, and no σ_min or σ_max")
      (low, high) = (sigmas[count - 1], sigmas[0])
    } else {
      try require(
        0 < low && low < high && high.isFinite, "noise levels need 0 < σ_min < σ_max, not \(low) and \(high)")
    }
    let known = process.sigmaRange
    try require(
      process.hasNoiseLevels(from: low, to: high),
      "the noise levels \(low) … \(high) reach beyond those of the process, \(known.lowerBound) … \(known.upperBound)")
    var sigmas = try spaced(count, from: high, to: low, of: process)
    // The ends are met exactly.
    sigmas[count - 1] = low
    sigmas[0] = high
    let times = process.time(sigma: Tensor(sigmas))
    let scales: [Double] = process.scale(times).elements()
    return zip(sigmas, zip(times.elements(as: Double.self), scales)).map { sigma, rest in
      NoiseLevel(time: rest.0, sigma: sigma, scale: rest.1)
    }
  }

  private func spaced(
    _ count: Int, from high: Double, to low: Double, of process: any DiffusionProcess
  ) throws(SamplerError) -> [Double] {
    let fractions = (0..<count).map { Double($0) / Double(max(count - 1, 1)) }
    switch self {
    case .karras(let rho):
      try require(rho > 0 && rho.isFinite, "the ρ of a Karras schedule is a positive number, not \(rho)")
      let (start, end) = (pow(high, 1 / rho), pow(low, 1 / rho))
      return fractions.map { pow(start + $0 * (end - start), rho) }
    case .geometric:
      return fractions.map { high * pow(low / high, $0) }
    case .linear:
      return fractions.map { high + $0 * (low - high) }
    case .cosine:
      let (start, end) = (atan(high), atan(low))
      return fractions.map { tan(start + $0 * (end - start)) }
    case .explicit(let sigmas):
      return sigmas
    case .uniformTime:
      let (start, end) = (process.time(sigma: high), process.time(sigma: low))
      return process.sigma(Tensor(fractions.map { start + $0 * (end - start) })).elements()
    case .automatic, .timesteps:
      endProgram("levels(_:of:) has replaced these schedules by others")
    }
  }
}
