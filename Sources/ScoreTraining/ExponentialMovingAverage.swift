internal import Files
public import Torch

/// A running mean of the weights, which gives better samples than the last weights.
///
/// w̄ ← w̄ + (1 − d)(w − w̄) with the decay d = min(decay, (1 + n)/(10 + n)) after n updates. The smaller decay of the first updates
/// keeps the initial weights from dominating the average. Polyak & Juditsky (1992); warm-up of Song et al. (2021), arXiv 2011.13456.
public struct ExponentialMovingAverage {
  /// The decay after the warm-up, in 0 ..< 1; 0 keeps the last weights.
  public let decay: Double
  /// w̄, the average.
  public private(set) var value: Tensor
  /// n, the number of updates.
  public private(set) var updateCount: Int

  /// Starts an average from weights, or continues one after a number of updates.
  ///
  /// - Precondition: the decay is in 0 ..< 1.
  public init(decay: Double, value: Tensor, updateCount: Int = 0) {
    demand((0..<1).contains(decay), "the decay of a moving average must be in 0 ..< 1, not \(decay)")
    self.decay = decay
    self.value = value
    self.updateCount = updateCount
  }

  /// The decay of the next update.
  public var currentDecay: Double { min(decay, Double(1 + updateCount) / Double(10 + updateCount)) }

  /// Adds weights to the average.
  public mutating func update(_ weights: Tensor) {
    value = value.lerp(weights, weight: 1 - currentDecay)
    updateCount += 1
  }

  /// Replaces the average; the number of updates stays.
  ///
  /// - Precondition: the new value has the shape and the element type of the old one.
  mutating func replace(by value: Tensor) {
    demand(
      value.shape == self.value.shape && value.dtype == self.value.dtype,
      "an average of \(self.value.dtype)\(self.value.shape) cannot become \(value.dtype)\(value.shape)")
    self.value = value
  }
}
