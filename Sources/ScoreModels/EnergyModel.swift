public import Torch

/// A score model with an energy E: score = −∇ₓE, and exp(−E) is proportional to the density pₜ.
///
/// The factor, and with it the constant of E, may depend on time and condition. Differences of −E at one time and
/// condition equal differences of log pₜ. Salimans & Ho (2021), *Should EBMs model the energy or the score?*
public protocol EnergyModel: ScoreModel {
  /// The energies E(x, t) `[batch]` for x `[batch, …]` and t `[batch]`; recorded while operations are recorded.
  ///
  /// - Parameter condition: as for `score(_:at:condition:)`.
  func energy(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor
}

extension EnergyModel {
  /// The unconditional energy.
  public func energy(_ x: Tensor, at t: Tensor) -> Tensor { energy(x, at: t, condition: nil) }
}
