public import ScoreModels
internal import Torch

extension NamedParameter {
  /// Whether the parameter has two dimensions or more, as matrices and kernels have, but not biases and factors.
  public var isWeight: Bool { parameter.shape.count >= 2 }
}

extension Module {
  /// The number of weights that are exactly 0, and the number of all weights.
  ///
  /// - Parameter isWeight: which parameters count; by default those of two dimensions or more.
  public func countZeroWeights(
    where isWeight: (NamedParameter) -> Bool = { $0.isWeight }
  ) -> (zeros: Int, weights: Int) {
    namedParameters().filter(isWeight).reduce((0, 0)) { counts, entry in
      let value = entry.parameter.value.detached()
      return (counts.0 + Int((value .== 0).sum().item()), counts.1 + value.elementCount)
    }
  }
}
