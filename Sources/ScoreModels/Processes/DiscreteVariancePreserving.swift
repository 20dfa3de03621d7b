internal import Files
internal import Foundation
public import Torch

/// The variance-preserving process of DDPM, in discrete steps.
///
/// At t = 0, 1, … T − 1 it has s² = ᾱₜ and s²σ² = 1 − ᾱₜ for ᾱₜ = Πᵢ₌₀ᵗ (1 − βᵢ); between the steps log σ is linear in t.
///
/// Ho, Jain & Abbeel (2020), *Denoising diffusion probabilistic models*, arXiv 2006.11239. The products ᾱₜ are rounded
/// to `Float` as in diffusers, because networks were trained with the rounded values.
public struct DiscreteVariancePreserving: DiffusionProcess, Hashable {
  /// How the rates βᵢ grow.
  public enum BetaSchedule: String, Codable, Hashable, Sendable, CaseIterable {
    /// Linearly (Ho et al. 2020).
    case linear
    /// Linearly in √β.
    case scaledLinear = "scaled_linear"
    /// Such that ᾱ is a squared cosine (Nichol & Dhariwal 2021, arXiv 2102.09672); the range of β is not used.
    case squaredCosine = "squaredcos_cap_v2"
    /// As a logistic function.
    case sigmoid
  }

  /// The rates βᵢ.
  public let betas: [Float]
  /// log σ at each step.
  private let logSigmas: [Double]

  /// Makes a process from rates.
  ///
  /// - Precondition: there are at least two, and all lie between 0 and 1.
  public init(betas: [Float]) {
    demand(
      betas.count > 1 && betas.allSatisfy { $0 > 0 && $0 < 1 }, "a discrete process has 2 or more rates between 0 and 1"
    )
    self.betas = betas
    var product = 1.0
    logSigmas = betas.map { beta in
      product *= Double(1 - beta)
      let alpha = Double(Float(product))
      return 0.5 * log((1 - alpha) / alpha)
    }
  }

  /// Makes a process of `steps` rates from `betaMin` to `betaMax`.
  ///
  /// - Precondition: there are at least two steps, and 0 < `betaMin` < `betaMax` < 1.
  public init(_ schedule: BetaSchedule = .linear, steps: Int = 1000, betaMin: Double = 1e-4, betaMax: Double = 0.02) {
    demand(
      steps > 1 && 0 < betaMin && betaMin < betaMax && betaMax < 1,
      "a discrete process needs 2 or more steps and 0 < betaMin < betaMax < 1, not \(steps), \(betaMin), \(betaMax)")
    let betas: [Float] =
      switch schedule {
      case .linear: Self.spaced(betaMin, betaMax, steps)
      case .scaledLinear: Self.spaced(betaMin.squareRoot(), betaMax.squareRoot(), steps).map { $0 * $0 }
      case .sigmoid: Self.spaced(-6, 6, steps).map { Float(betaMax - betaMin) / (1 + exp(-$0)) + Float(betaMin) }
      case .squaredCosine:
        (0..<steps).map { step in
          func signal(_ t: Double) -> Double { pow(cos((t + 0.008) / 1.008 * .pi / 2), 2) }
          let (now, next) = (Double(step) / Double(steps), Double(step + 1) / Double(steps))
          return Float(min(1 - signal(next) / signal(now), 0.999))
        }
      }
    self.init(betas: betas)
  }

  /// The number of steps T.
  public var stepCount: Int { betas.count }

  /// (1 + σ²)^(−½) = √ᾱ.
  public func scale(_ t: Tensor) -> Tensor { (sigma(t).square() + 1).sqrt().reciprocal() }

  /// √((1 − ᾱ)/ᾱ); between steps its logarithm is interpolated linearly.
  public func sigma(_ t: Tensor) -> Tensor {
    // Metal has no double precision.
    let place = t.device == .mps ? Device.cpu : t.device
    let table = Tensor(logSigmas).to(place)
    let position = t.to(place).to(.float64).clamped(to: 0...Double(stepCount - 1))
    let low = withoutGradients { position.detached().floor().clamped(to: 0...Double(stepCount - 2)) }
    let index = low.to(.int64).flattened()
    let (start, end) = (table.gathering(index).reshaped(t.shape), table.gathering(index + 1).reshaped(t.shape))
    return (start + (position - low) * (end - start)).exp().to(t.dtype).to(t.device)
  }

  /// The inverse of `sigma`; noise levels outside of its range give the first or the last step.
  public func time(sigma: Tensor) -> Tensor {
    let times: [Double] = sigma.to(.cpu).elements(as: Double.self).map { sigma in
      let value = log(sigma)
      var (low, high) = (0, stepCount - 1)
      while high - low > 1 {
        let middle = (low + high) / 2
        if logSigmas[middle] <= value { low = middle } else { high = middle }
      }
      let fraction = (value - logSigmas[low]) / (logSigmas[high] - logSigmas[low])
      return Double(low) + min(max(fraction, 0), 1)
    }
    return Tensor(times, shape: sigma.shape).to(sigma.dtype).to(sigma.device)
  }

  /// Times from 0 to T − 1.
  public var timeRange: ClosedRange<Double> { 0...Double(stepCount - 1) }

  /// Equally spaced numbers, computed as in torch.linspace: from both ends towards the middle.
  private static func spaced(_ start: Double, _ end: Double, _ count: Int) -> [Float] {
    let (first, last) = (Float(start), Float(end))
    let step = (last - first) / Float(count - 1)
    return (0..<count).map { $0 < count / 2 ? first + step * Float($0) : last - step * Float(count - $0 - 1) }
  }
}
