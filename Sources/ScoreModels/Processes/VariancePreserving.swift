internal import Files
public import Torch

/// The variance-preserving process: with a(t) = β_min·t + ½(β_max − β_min)t² it has s = e^(−a/2) and s²σ² = 1 − e^(−a).
///
/// The limit of DDPM (Ho, Jain & Abbeel 2020, arXiv 2006.11239) for many steps: Song et al. (2021), arXiv 2011.13456,
/// appendix C.
public struct VariancePreserving: DiffusionProcess, Hashable {
  /// The rates of the process, which the sub-VP process shares.
  let rates: LinearRates

  /// Makes a process with rates β(t) that grow from `betaMin` at t = 0 to `betaMax` at t = 1.
  ///
  /// - Precondition: 0 < `betaMin` < `betaMax`.
  public init(betaMin: Double = 0.1, betaMax: Double = 20) { rates = LinearRates(betaMin, betaMax) }

  /// s = e^(−a/2).
  public func scale(_ t: Tensor) -> Tensor { (rates.integral(t) * -0.5).exp() }
  /// σ = √(eᵃ − 1).
  public func sigma(_ t: Tensor) -> Tensor { rates.integral(t).expMinusOne().sqrt() }
  /// f = −β/2.
  public func drift(_ t: Tensor) -> Tensor { rates.rate(t) * -0.5 }
  /// g = √β.
  public func diffusion(_ t: Tensor) -> Tensor { rates.rate(t).sqrt() }
  /// The time at which a = log(1 + σ²).
  public func time(sigma: Tensor) -> Tensor { rates.time(integral: sigma.square().logOnePlus()) }
  /// Times from 10⁻⁵ to 1.
  public var timeRange: ClosedRange<Double> { 1e-5...1 }
  /// Times from 10⁻³ to 1.
  public var samplingRange: ClosedRange<Double> { 1e-3...1 }
}

/// The sub-variance-preserving process: the scale of VP with s²σ² = (1 − e^(−a))².
///
/// Song et al. (2021), arXiv 2011.13456, appendix C.
public struct SubVariancePreserving: DiffusionProcess, Hashable {
  let rates: LinearRates

  /// Makes a process with rates β(t) that grow from `betaMin` at t = 0 to `betaMax` at t = 1.
  ///
  /// - Precondition: 0 < `betaMin` < `betaMax`.
  public init(betaMin: Double = 0.1, betaMax: Double = 20) { rates = LinearRates(betaMin, betaMax) }

  /// s = e^(−a/2).
  public func scale(_ t: Tensor) -> Tensor { (rates.integral(t) * -0.5).exp() }
  /// σ = (1 − e^(−a))/s = 2 sinh(a/2).
  public func sigma(_ t: Tensor) -> Tensor {
    let half = rates.integral(t) * 0.5
    return half.expMinusOne() - (-half).expMinusOne()
  }
  /// f = −β/2.
  public func drift(_ t: Tensor) -> Tensor { rates.rate(t) * -0.5 }
  /// g = √(β·(1 − e^(−2a))).
  public func diffusion(_ t: Tensor) -> Tensor {
    (rates.rate(t) * -(rates.integral(t) * -2).expMinusOne()).sqrt()
  }
  /// The time at which a = 2 asinh(σ/2).
  public func time(sigma: Tensor) -> Tensor {
    let half = sigma * 0.5
    // asinh(y) = log1p(y + y²/(1 + √(1 + y²))), without cancellation for small y.
    return rates.time(integral: (half + half.square() / ((half.square() + 1).sqrt() + 1)).logOnePlus() * 2)
  }
  /// Times from 10⁻⁵ to 1.
  public var timeRange: ClosedRange<Double> { 1e-5...1 }
  /// Times from 10⁻³ to 1.
  public var samplingRange: ClosedRange<Double> { 1e-3...1 }
}

/// Rates β(t) = β_min + (β_max − β_min)·t and their integral a(t).
struct LinearRates: Hashable, Sendable {
  let minimum: Double
  let slope: Double

  init(_ minimum: Double, _ maximum: Double) {
    demand(minimum > 0 && minimum < maximum, "0 < betaMin < betaMax does not hold for \(minimum), \(maximum)")
    self.minimum = minimum
    slope = maximum - minimum
  }

  func rate(_ t: Tensor) -> Tensor { t * slope + minimum }
  func integral(_ t: Tensor) -> Tensor { t * (t * (0.5 * slope) + minimum) }

  /// The positive root of ½·slope·t² + minimum·t = a, in the form without cancellation.
  func time(integral a: Tensor) -> Tensor {
    2 * a / ((a * (2 * slope) + minimum * minimum).sqrt() + minimum)
  }
}
