public import Torch

extension GaussianMixtureScore: EnergyModel {
  /// −log pₜ(x) for each example: `[batch]`, the constant included.
  public func energy(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    -logDensity(x, at: t, condition: condition)
  }
}
