import Foundation
internal import ScoreModels
internal import Torch

/// A step of an exponential integrator in λ = −log σ, from λᵢ to λᵢ₊₁ = λᵢ + h.
///
/// The solvers DPM-Solver++ (Lu et al. 2022, arXiv 2211.01095) share it; their documentation has the formula.
struct ExponentialStep {
  /// λᵢ₊₁ − λᵢ.
  let h: Double
  /// H = (1 + η)·h.
  let stretched: Double
  /// The factor of x: (σᵢ₊₁/σᵢ)·e^(−ηh), which is e^(−H).
  let shrink: Double
  /// The factor of a constant denoised value: 1 − e^(−H).
  let gain: Double
  private let deviation: Double

  init(from current: NoiseLevel, to next: NoiseLevel, eta: Double) {
    h = log(current.sigma / next.sigma)
    stretched = (1 + eta) * h
    shrink = exp(-stretched)
    gain = -expm1(-stretched)
    deviation = next.sigma * (-expm1(-2 * eta * h)).squareRoot()
  }

  /// Adds σᵢ₊₁·√(1 − e^(−2ηh))·z.
  func addNoise(to x: inout Tensor, _ run: inout SamplingRun) {
    if deviation > 0 { x += deviation * run.noise() }
  }

  static func validate(eta: Double) throws(SamplerError) {
    try require(eta >= 0 && eta.isFinite, "the η of a DPM-Solver++ sampler is at least 0 and finite, not \(eta)")
  }
}
