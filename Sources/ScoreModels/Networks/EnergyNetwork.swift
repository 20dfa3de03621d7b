public import Torch

/// A network that is the gradient of a scalar, ∇ᵤφ(u) with φ(u) = ⟨u + 1, f(u)⟩ for any network f, or another
/// ``EnergyForm``: its Jacobian is symmetric, so the score made from it is that of a density, at the price of a backward
/// pass in each evaluation.
///
/// Salimans & Ho (2021), *Should EBMs model the energy or the score?* (ICLR workshop); Du et al. (2023), arXiv 2302.11552.
public struct EnergyNetwork<Base: ScoreNetwork>: PotentialNetwork {
  /// The network f.
  public let base: Base
  /// How φ is made from it.
  public let form: EnergyForm

  /// The parameters carry no prefix.
  public static var parameterNames: [String: String] { ["base": ""] }

  /// Makes an energy network.
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
  /// It can be differentiated again where operations are recorded.
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

/// A network with a scalar potential whose gradient it is.
public protocol PotentialNetwork: ScoreNetwork {
  /// φ(u) for each example, `[batch]`: the network's value is ∇ᵤφ(u).
  func potential(_ u: Tensor, noise: Tensor, condition: Tensor?) -> Tensor
}

extension NetworkScore: EnergyModel where Network: PotentialNetwork {
  /// E = (½‖x‖² − ½c_skip‖x‖² − s²·(c_out/c_in)·φ(c_in·x/s))/(s²σ²), up to a constant for each time: `[batch]`.
  ///
  /// - Precondition: the parameterization is that of EDM.
  public func energy(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    guard case .edm(let sigmaData, let noiseScale) = parameterization else {
      preconditionFailure("the energy is defined for the EDM parameterization, not for \(parameterization)")
    }
    let scale = process.scale(t).to(x.dtype)
    let sigma = process.sigma(t).to(x.dtype)
    let variance = sigma.square() + sigmaData * sigmaData
    let u = x / (scale * variance.sqrt()).broadcastable(toRank: x.rank)
    let potential = network.potential(u, noise: sigma.log() * (noiseScale / 4), condition: condition)
    // (1 − c_skip)/(s²σ²) = 1/(s²(σ² + σ_d²)), and c_out/c_in = σσ_d.
    return 0.5 * u.square().sumPerExample() - potential * (sigmaData / sigma)
  }
}
