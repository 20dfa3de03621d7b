internal import Files
import Foundation
public import Torch

/// The variance-exploding process: s = 1 and σ(t) = σ_min·(σ_max/σ_min)^t for t in 0 … 1.
///
/// Song et al. (2021), arXiv 2011.13456, appendix C. A good σ_max is the largest distance between two examples (Song &
/// Ermon 2020, arXiv 2006.09011).
public struct VarianceExploding: DiffusionProcess, Hashable {
  /// The noise level at t = 0.
  public let sigmaMin: Double
  /// The noise level at t = 1.
  public let sigmaMax: Double

  /// Makes a process.
  ///
  /// - Precondition: 0 < `sigmaMin` < `sigmaMax`.
  public init(sigmaMin: Double = 0.01, sigmaMax: Double = 50) {
    demand(
      sigmaMin > 0 && sigmaMin < sigmaMax, "0 < sigmaMin < sigmaMax does not hold for \(sigmaMin), \(sigmaMax)")
    self.sigmaMin = sigmaMin
    self.sigmaMax = sigmaMax
  }

  private var logRatio: Double { log(sigmaMax / sigmaMin) }

  /// s = 1.
  public func scale(_ t: Tensor) -> Tensor { .ones(like: t) }
  /// σ(t) = σ_min·(σ_max/σ_min)^t.
  public func sigma(_ t: Tensor) -> Tensor { (t * logRatio + log(sigmaMin)).exp() }
  /// f = 0.
  public func drift(_ t: Tensor) -> Tensor { .zeros(like: t) }
  /// g = σ(t)·√(2 log(σ_max/σ_min)).
  public func diffusion(_ t: Tensor) -> Tensor { sigma(t) * (2 * logRatio).squareRoot() }
  /// t = log(σ/σ_min)/log(σ_max/σ_min).
  public func time(sigma: Tensor) -> Tensor { (sigma.log() - log(sigmaMin)) / logRatio }
  /// Times from 10⁻⁵ to 1.
  public var timeRange: ClosedRange<Double> { 1e-5...1 }
}
