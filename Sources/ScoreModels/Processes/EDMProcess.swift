internal import Files
public import Torch

/// The process whose time is the noise level: s = 1 and σ(t) = t.
///
/// Karras et al. (2022), arXiv 2206.00364: the choice for which the probability-flow ODE has the straightest paths.
public struct EDMProcess: DiffusionProcess, Hashable {
  /// The noise levels that samplers run through.
  public let timeRange: ClosedRange<Double>

  /// Makes a process.
  ///
  /// - Precondition: 0 < `sigmaMin` < `sigmaMax`.
  public init(sigmaMin: Double = 0.002, sigmaMax: Double = 80) {
    demand(
      sigmaMin > 0 && sigmaMin < sigmaMax, "0 < sigmaMin < sigmaMax does not hold for \(sigmaMin), \(sigmaMax)")
    timeRange = sigmaMin...sigmaMax
  }

  /// s = 1.
  public func scale(_ t: Tensor) -> Tensor { .ones(like: t) }
  /// σ(t) = t.
  public func sigma(_ t: Tensor) -> Tensor { t }
  /// f = 0.
  public func drift(_ t: Tensor) -> Tensor { .zeros(like: t) }
  /// g = √(2t).
  public func diffusion(_ t: Tensor) -> Tensor { (t * 2).sqrt() }
  /// t = σ.
  public func time(sigma: Tensor) -> Tensor { sigma }
}
