public import ScoreModels
public import Torch

/// Counts the evaluations of a standard normal score, and notes their element types.
public final class Counter: @unchecked Sendable {
  public var calls = 0
  public var dtypes: Set<DType> = []

  public init() {}
}

/// The score of standard normal data under `EDMProcess`; from some evaluation on it is NaN.
public struct CountingScore: EnergyModel {
  public let counter: Counter
  public var failsAt: Int?
  public var parameter: Parameter?

  public init(counter: Counter, failsAt: Int? = nil, parameter: Parameter? = nil) {
    self.counter = counter
    self.failsAt = failsAt
    self.parameter = parameter
  }

  public func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    counter.calls += 1
    counter.dtypes.formUnion([x.dtype, t.dtype])
    let score = -x / (t.square() + 1).broadcastable(toRank: x.rank)
    return counter.calls == failsAt ? score * Double.nan : score
  }

  public func energy(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    counter.dtypes.formUnion([x.dtype, t.dtype])
    return 0.5 * x.square().sumPerExample() / (t.square() + 1)
  }
}
