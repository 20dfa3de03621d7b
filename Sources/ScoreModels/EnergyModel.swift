public import Torch

/// A score model that knows the energy it is the gradient of: score = −∇ₓE, so that exp(−E) is a density up to a factor.
///
/// The factor, and with it the constant of E, may differ between times and conditions; differences at one time are those of
/// log pₜ. Salimans & Ho (2021), *Should EBMs model the energy or the score?*
public protocol EnergyModel: ScoreModel {
  /// E(x, t) for x `[batch, …]` and t `[batch]`: `[batch]`, recorded where operations are.
  ///
  /// - Parameter condition: as that of the score.
  func energy(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor
}

extension EnergyModel {
  /// The unconditional energy.
  public func energy(_ x: Tensor, at t: Tensor) -> Tensor { energy(x, at: t, condition: nil) }
}
