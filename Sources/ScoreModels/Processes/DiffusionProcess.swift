public import Torch

/// A process that turns data into noise: xₜ = s(t)·(x₀ + σ(t)·ε) with ε ~ N(0, I).
///
/// It solves dx = f(t)·x dt + g(t) dw with f = ṡ/s and g² = 2s²σσ̇. A process of your own needs `scale` and `sigma` only;
/// the drift and diffusion coefficients are derived from them, so that they cannot disagree.
///
/// Karras et al. (2022), *Elucidating the design space of diffusion-based generative models*, arXiv 2206.00364, section 2;
/// Song et al. (2021), arXiv 2011.13456.
public protocol DiffusionProcess: Sendable {
  /// The scale s(t) of the data, elementwise.
  ///
  /// Compute it with differentiable operations on t: the drift is derived by differentiation.
  func scale(_ t: Tensor) -> Tensor
  /// The noise level σ(t) relative to the data, elementwise; it increases with t.
  ///
  /// Compute it with differentiable operations on t: the diffusion is derived by differentiation.
  func sigma(_ t: Tensor) -> Tensor
  /// The drift coefficient f(t) of dx = f(t)·x dt + g(t) dw.
  func drift(_ t: Tensor) -> Tensor
  /// The diffusion coefficient g(t).
  func diffusion(_ t: Tensor) -> Tensor
  /// The time at which the noise level is σ, elementwise: the inverse of `sigma`.
  func time(sigma: Tensor) -> Tensor
  /// The times that training covers; at the upper end the data have become noise.
  var timeRange: ClosedRange<Double> { get }
  /// The times that samplers run through, from the upper to the lower end.
  var samplingRange: ClosedRange<Double> { get }
}

extension DiffusionProcess {
  /// f = d log s/dt, by differentiation of `scale`.
  public func drift(_ t: Tensor) -> Tensor { derivative(at: t) { scale($0).log() } }

  /// g = s·√(dσ²/dt), by differentiation of `sigma`.
  public func diffusion(_ t: Tensor) -> Tensor { scale(t) * derivative(at: t) { sigma($0).square() }.sqrt() }

  /// The inverse of `sigma` by 60 bisections of `timeRange`.
  public func time(sigma target: Tensor) -> Tensor {
    withoutGradients {
      var low = Tensor.full(like: target, timeRange.lowerBound).to(.float64)
      var high = Tensor.full(like: target, timeRange.upperBound).to(.float64)
      for _ in 0..<60 {
        let middle = (low + high) * 0.5
        let isBelow = sigma(middle) .< target
        low = low.replacing(where: isBelow, with: middle)
        high = middle.replacing(where: isBelow, with: high)
      }
      return ((low + high) * 0.5).to(target.dtype)
    }
  }

  /// By default `timeRange`.
  public var samplingRange: ClosedRange<Double> { timeRange }

  private func derivative(at t: Tensor, of function: (Tensor) -> Tensor) -> Tensor {
    withGradients {
      let variable = t.variable()
      let value = function(variable)
      // A constant function is not recorded and has derivative 0.
      return value.requiresGradient ? value.sum().gradient(withRespectTo: variable) : .zeros(like: t)
    }
  }

  /// s(t) of one time.
  public func scale(_ t: Double) -> Double { scale(Tensor(t, dtype: .float64)).item() }
  /// σ(t) of one time.
  public func sigma(_ t: Double) -> Double { sigma(Tensor(t, dtype: .float64)).item() }
  /// f(t) of one time.
  public func drift(_ t: Double) -> Double { drift(Tensor(t, dtype: .float64)).item() }
  /// g(t) of one time.
  public func diffusion(_ t: Double) -> Double { diffusion(Tensor(t, dtype: .float64)).item() }
  /// The time of one noise level.
  public func time(sigma: Double) -> Double { time(sigma: Tensor(sigma, dtype: .float64)).item() }

  /// The noise levels that training covers: σ at the ends of `timeRange`.
  public var sigmaRange: ClosedRange<Double> { sigma(timeRange.lowerBound)...sigma(timeRange.upperBound) }

  /// Whether noise levels lie in `sigmaRange`; a relative 10⁻³ is allowed for rounding.
  public func hasNoiseLevels(from low: Double, to high: Double) -> Bool {
    let known = sigmaRange
    return low >= known.lowerBound * (1 - 1e-3) && high <= known.upperBound * (1 + 1e-3)
  }

  /// The noise levels that samplers run through by default: σ at the ends of `samplingRange`.
  public var samplingSigmaRange: ClosedRange<Double> {
    sigma(samplingRange.lowerBound)...sigma(samplingRange.upperBound)
  }

  /// The standard deviation s(T)·σ(T) of the normal distribution that sampling starts from.
  public var priorStandardDeviation: Double {
    let end = samplingRange.upperBound
    return scale(end) * sigma(end)
  }

  /// xₜ = s(t)·(x₀ + σ(t)·ε) for x₀ and ε `[batch, …]` and t `[batch]`.
  public func perturb(_ data: Tensor, noise: Tensor, at t: Tensor) -> Tensor {
    let levels = NoiseLevels(of: self, at: t, like: data)
    return levels.scale * (data + levels.sigma * noise)
  }
}
