import Foundation
import ScoreKit

/// The kernel as features: k(t, t′) = Σⱼ sⱼ²·φⱼ(t)·φⱼ(t′), so that a Gaussian process is linear regression with a normal prior.
///
/// A straight trend; slow and fast squared-exponential deviations from it; and a season, harmonics of the year whose amplitudes
/// drift as squared-exponential processes do. Those processes are expanded in cosines on an interval that is wider than the
/// data, scaled by the root of their spectral density (Solin & Särkkä 2020, *Hilbert space methods for reduced-rank Gaussian
/// process regression*, arXiv 1401.5508). The features φ are fixed; the hyperparameters are in the scales s alone.
struct Features {
  /// The hyperparameters, in ppm and years; tuning works on their logarithms.
  static let names = [
    "trend", "slow", "slow: years", "fast", "fast: years", "annual", "half-year", "third-year", "season: years",
    "noise",
  ]
  static var initial: Tensor { Tensor([10, 10, 10, 1, 1, 1, 1, 1, 10, 1]).log() }

  private static let center = 1980.0
  /// Half of the interval: the data reach 22 years from its centre.
  private static let reach = 60.0
  private static let slowCount = 24
  private static let fastCount = 120
  private static let driftCount = 16
  private static let harmonics = 3

  /// φ at times: `[times, features]`.
  static func matrix(at times: [Double]) -> Tensor {
    let t = Tensor(times.map { $0 - center })
    let unit = t / 22
    var columns = [Tensor.ones(like: t), unit]
    for count in [slowCount, fastCount] { columns += (0..<count).map { cosine($0, t) } }
    for harmonic in 1...harmonics {
      let angle = t * (2 * Double.pi * Double(harmonic))
      for wave in [angle.cos(), angle.sin()] { columns += (0..<driftCount).map { wave * cosine($0, t) } }
    }
    return .stack(columns, along: 1)
  }

  /// s from the logarithms of the hyperparameters `[10]`: `[features]`, recorded.
  static func scales(_ logarithms: Tensor) -> Tensor {
    let value = logarithms.exp()
    var parts = [value[0].expanded(to: [2])]
    parts.append(spectrum(slowCount, amplitude: value[1], lengthScale: value[2]))
    parts.append(spectrum(fastCount, amplitude: value[3], lengthScale: value[4]))
    for harmonic in 0..<harmonics {
      let drift = spectrum(driftCount, amplitude: value[5 + harmonic], lengthScale: value[8])
      parts += [drift, drift]
    }
    return .concatenate(parts)
  }

  /// δ, the standard deviation of the noise.
  static func noise(_ logarithms: Tensor) -> Tensor { logarithms[9].exp() }

  /// The cosines that are orthonormal on the interval.
  private static func cosine(_ index: Int, _ t: Tensor) -> Tensor {
    let norm = (index == 0 ? 0.5 : 1) / reach
    return ((t + reach) * (Double(index) * .pi / (2 * reach))).cos() * norm.squareRoot()
  }

  /// √S(ωⱼ) for S(ω) = a²·√(2π)·ℓ·exp(−ℓ²ω²/2), the spectral density of a²·exp(−d²/2ℓ²).
  private static func spectrum(_ count: Int, amplitude: Tensor, lengthScale: Tensor) -> Tensor {
    let frequencies = Tensor.range(0, to: Double(count), dtype: .float64) * (.pi / (2 * reach))
    let root = (lengthScale * (2 * Double.pi).squareRoot()).sqrt()
    return amplitude * root * ((lengthScale * frequencies).square() * -0.25).exp()
  }
}
