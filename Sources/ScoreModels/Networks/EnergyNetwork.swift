public import Torch

/// A network that is the gradient ∇ᵤφ(u) of a scalar φ made from any network f, such as φ(u) = ⟨u + 1, f(u)⟩.
///
/// Its Jacobian is symmetric, so the score made from it is the score of a density. The price is a backward pass in each
/// evaluation. See ``EnergyForm`` for the forms of φ.
///
/// Salimans & Ho (2021), *Should EBMs model the energy or the score?* (ICLR workshop); Du et al. (2023), arXiv 2302.11552.
public struct EnergyNetwork<Base: ScoreNetwork>: PotentialNetwork {
  /// The network f.
  public let base: Base
  /// How φ is made from f.
  public let form: EnergyForm

  /// The parameters carry no prefix.
  public static var parameterNames: [String: String] { ["base": ""] }

  /// Wraps a network f, whose parameters keep their names.
  public init(_ base: Base, form: EnergyForm = .shiftedProduct) {
    self.base = base
    self.form = form
  }

  /// φ(u) for each example: `[batch]`.
  public func potential(_ u: Tensor, noise: Tensor, condition: Tensor?) -> Tensor {
    form.potential(u, base(u, noise: noise, condition: condition))
  }

  /// ∇ᵤφ(u), a tensor of u's shape.
  ///
  /// While operations are recorded, the result can be differentiated again.
  public func callAsFunction(_ u: Tensor, noise: Tensor, condition: Tensor?) -> Tensor {
    let isRecorded = gradientsAreRecorded
    return withGradients {
      let variable = isRecorded && u.requiresGradient ? u : u.detached().variable()
      return potential(variable, noise: noise, condition: condition).sum()
        .gradient(withRespectTo: variable, createGraph: isRecorded)
    }
  }
}

/// A score that is the gradient of an energy: s = −∇ₓE, exactly conservative.
public typealias EnergyScore<Base: ScoreNetwork> = NetworkScore<EnergyNetwork<Base>>

/// A network that is the gradient of a scalar potential φ.
public protocol PotentialNetwork: ScoreNetwork {
  /// φ(u) for each example, `[batch]`: the network's value is ∇ᵤφ(u).
  ///
  /// - Parameters:
  ///   - u: `[batch, …]`, the network's input.
  ///   - noise: a number for each example, `[batch]`.
  ///   - condition: class labels `[batch]` or `nil`.
  func potential(_ u: Tensor, noise: Tensor, condition: Tensor?) -> Tensor
}

extension NetworkScore: EnergyModel where Network: PotentialNetwork {
  /// The energies E `[batch]` with −∇ₓE = score, up to a constant for each time.
  ///
  /// With F = ∇φ the score is a gradient under each parameterization:
  ///
  /// ```
  /// edm        E = (½(1 − c_skip)‖x‖² − s²·(c_out/c_in)·φ(c_in·x/s))/(s²σ²)
  /// noise      E = φ(x)/(sσ)                             score −F/(sσ)
  /// velocity   E = (½(1 − s²)‖x‖² + s²σφ(x))/(s²σ²)      score −((1 − s²)·x + s²σF)/(s²σ²)
  /// denoised   E = (½‖x‖² − sφ(x))/(s²σ²)                score −(x − sF)/(s²σ²)
  /// ```
  ///
  /// Under `denoised`, terms of the order of ‖x‖²/σ² cancel. In single precision, differences of energies and the score
  /// therefore have few correct digits at small noise levels.
  public func energy(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    let scale = process.scale(t).to(x.dtype)
    let sigma = process.sigma(t).to(x.dtype)
    func potential(timeScale: Double) -> Tensor {
      network.potential(x, noise: t.to(x.dtype) * timeScale, condition: condition)
    }
    switch parameterization {
    case .edm(let sigmaData, let noiseScale):
      let variance = sigma.square() + sigmaData * sigmaData
      let u = x / (scale * variance.sqrt()).broadcastable(toRank: x.rank)
      let potential = network.potential(u, noise: sigma.log() * (noiseScale / 4), condition: condition)
      // (1 − c_skip)/(s²σ²) = 1/(s²(σ² + σ_d²)), and c_out/c_in = σσ_d.
      return 0.5 * u.square().sumPerExample() - potential * (sigmaData / sigma)
    case .noise(let timeScale):
      return potential(timeScale: timeScale) / (scale * sigma)
    case .velocity(let timeScale):
      // (1 − s²)/(s²σ²), which is 1 for variance-preserving processes.
      let curvature = (1 - scale.square()) / (scale * sigma).square()
      return 0.5 * x.square().sumPerExample() * curvature + potential(timeScale: timeScale) / sigma
    case .denoised(let timeScale):
      let difference = 0.5 * x.square().sumPerExample() - scale * potential(timeScale: timeScale)
      return difference / (scale * sigma).square()
    }
  }
}
