public import Torch

/// A running mean of the weights, which samples better than the last of them.
///
/// w̄ ← w̄ + (1 − d)(w − w̄) with the decay d = min(decay, (1 + n)/(10 + n)) after n updates: the warm-up keeps early averages
/// from being dominated by the initial weights. Polyak & Juditsky (1992); the warm-up as in Song et al. (2021), arXiv
/// 2011.13456.
public struct ExponentialMovingAverage {
  /// The decay after the warm-up, in 0 ..< 1; 0 keeps the last weights.
  public let decay: Double
  /// w̄.
  public private(set) var value: Tensor
  /// n.
  public private(set) var updateCount: Int

  /// Starts an average from weights, or takes one over.
  public init(decay: Double, value: Tensor, updateCount: Int = 0) {
    precondition((0..<1).contains(decay), "the decay of a moving average must be in 0 ..< 1, not \(decay)")
    self.decay = decay
    self.value = value
    self.updateCount = updateCount
  }

  /// The decay of the next update.
  public var currentDecay: Double { min(decay, Double(1 + updateCount) / Double(10 + updateCount)) }

  /// Takes weights into account.
  public mutating func update(_ weights: Tensor) {
    value = value.lerp(weights, weight: 1 - currentDecay)
    updateCount += 1
  }

  /// Puts another value in the place of the average, which stays as old as it is.
  mutating func replace(by value: Tensor) { self.value = value }
}
