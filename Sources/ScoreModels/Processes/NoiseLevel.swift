public import Torch

/// A point of a diffusion process: xₜ = s(t)·(x₀ + σ(t)·ε).
///
/// A state is called scaled as xₜ, and unscaled as xₜ/s, which is in units of the data.
///
/// Score and denoiser determine each other by Tweedie's formula (Efron 2011, *Tweedie's formula and selection bias*).
public struct NoiseLevel: Hashable, Sendable {
  /// The time t.
  public let time: Double
  /// The noise level σ(t), relative to the data.
  public let sigma: Double
  /// The scale s(t) of the data.
  public let scale: Double

  /// Makes a level.
  public init(time: Double, sigma: Double, scale: Double) {
    self.time = time
    self.sigma = sigma
    self.scale = scale
  }

  /// The level of a process where the noise is σ.
  public init(sigma: Double, of process: any DiffusionProcess) {
    let time = process.time(sigma: sigma)
    self.init(time: time, sigma: sigma, scale: process.scale(time))
  }

  /// The data, where a sampler ends: σ = 0 and s = 1, at the lower end of the sampling range.
  public static func data(of process: any DiffusionProcess) -> NoiseLevel {
    NoiseLevel(time: process.samplingRange.lowerBound, sigma: 0, scale: 1)
  }

  /// D = (xₜ + s²σ²·score)/s at xₜ.
  public func denoised(scaled x: Tensor, score: Tensor) -> Tensor {
    x / scale + scale * sigma * sigma * score
  }

  /// The score (s·D − xₜ)/(s²σ²) at xₜ.
  public func score(scaled x: Tensor, denoised: Tensor) -> Tensor {
    let deviation = scale * sigma
    return (scale * denoised - x) / (deviation * deviation)
  }

  /// The score (D − x)/σ² of the density in units of the data, at x = xₜ/s.
  public func score(unscaled x: Tensor, denoised: Tensor) -> Tensor {
    (denoised - x) / (sigma * sigma)
  }
}

/// The noise levels of a batch, one for each example, shaped to broadcast against it.
///
/// The formulas are those of `NoiseLevel`. Its products of single numbers are rounded in `float64` and these in the element
/// type of the batch, so the last bits differ.
struct NoiseLevels {
  let scale: Tensor
  let sigma: Tensor

  /// The levels at times t `[batch]` for a batch x `[batch, …]`.
  init(of process: any DiffusionProcess, at t: Tensor, like x: Tensor) {
    scale = process.scale(t).to(x.dtype).broadcastable(toRank: x.rank)
    sigma = process.sigma(t).to(x.dtype).broadcastable(toRank: x.rank)
  }

  func denoised(scaled x: Tensor, score: Tensor) -> Tensor {
    x / scale + scale * sigma.square() * score
  }

  func score(scaled x: Tensor, denoised: Tensor) -> Tensor {
    (scale * denoised - x) / (scale * sigma).square()
  }
}
