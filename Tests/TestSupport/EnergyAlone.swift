public import ScoreModels
public import Torch

/// An energy around a network, without a score of its own: ½‖x‖²/(1 + σ²) + Σ f(x/√(1 + σ²)) under `EDMProcess`.
public struct EnergyAlone: EnergyModel {
  public let network: MLP

  public init(_ network: MLP) { self.network = network }

  public func energy(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    let variance = t.square() + 1
    let u = x / variance.sqrt().broadcastable(toRank: x.rank)
    return 0.5 * u.square().sumPerExample() + network(u, noise: t.log() / 4, condition: condition).sumPerExample()
  }
}
