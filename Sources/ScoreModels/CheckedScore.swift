internal import Files
package import Torch

/// What a model returns, refused unless it has the right shape: another one could broadcast against x, train, and be wrong.
extension ScoreModel {
  /// The score, which has the shape of x.
  package func checkedScore(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    let score = score(x, at: t, condition: condition)
    refuse(score, unless: x.shape, "a score", x)
    return score
  }

  /// The denoiser, which has the shape of x.
  package func checkedDenoised(
    _ x: Tensor, at t: Tensor, process: any DiffusionProcess, condition: Tensor?
  ) -> Tensor {
    let denoised = denoised(x, at: t, process: process, condition: condition)
    refuse(denoised, unless: x.shape, "a denoiser", x)
    return denoised
  }
}

extension EnergyModel {
  /// The energies, one for each example.
  package func checkedEnergy(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    let energy = energy(x, at: t, condition: condition)
    refuse(energy, unless: [x.size(0)], "an energy", x)
    return energy
  }
}

extension Module {
  /// Ends the process with the type of the model and both shapes unless a result has the shape that it needs.
  func refuse(_ result: Tensor, unless shape: [Int], _ what: String, _ x: Tensor) {
    demand(
      result.shape == shape,
      "\(type(of: self)) returned \(what) of shape \(result.shape) for x of shape \(x.shape); the shape must be \(shape)"
    )
  }
}
