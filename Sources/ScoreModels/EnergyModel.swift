public import Torch

/// A score model with an energy E: score = −∇ₓE, and exp(−E) is proportional to the density pₜ.
///
/// A model of your own conforms with `energy(_:at:condition:)` alone. The factor, and with it the constant of E, may depend on
/// time and condition. Differences of −E at one time and condition equal differences of log pₜ. Salimans & Ho (2021), *Should
/// EBMs model the energy or the score?*
public protocol EnergyModel: ScoreModel {
  /// The energies E(x, t) `[batch]` for x `[batch, …]` and t `[batch]`; recorded while operations are recorded.
  ///
  /// The energy of an example may depend on that example alone.
  ///
  /// - Parameter condition: as for `score(_:at:condition:)`: an entry for each example, such as class labels `[batch]`, or `nil`.
  func energy(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor
}

extension EnergyModel {
  /// The unconditional energy.
  public func energy(_ x: Tensor, at t: Tensor) -> Tensor { energy(x, at: t, condition: nil) }

  /// −∇ₓE(x, t) by a backward pass: a tensor of x's shape.
  ///
  /// While operations are recorded, the result can be differentiated again, with respect to x and to the parameters, so a
  /// model trains by this score.
  ///
  /// - Complexity: about three times the cost of the energy.
  public func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    let isRecorded = gradientsAreRecorded
    return withGradients {
      let variable = isRecorded && x.requiresGradient ? x : x.detached().variable()
      let energy = checkedEnergy(variable, at: t, condition: condition)
      // A constant energy without parameters has no record.
      guard energy.requiresGradient else { return .zeros(like: x) }
      return -energy.sum().gradient(withRespectTo: variable, createGraph: isRecorded)
    }
  }
}
