package import ScoreModels
package import Torch

/// Counts the evaluations of a standard normal score, and notes their element types.
package final class Counter: @unchecked Sendable {
  package var calls = 0
  package var dtypes: Set<DType> = []

  package init() {}
}

/// The score of standard normal data; in one evaluation it is NaN.
package struct CountingScore: EnergyModel {
  package let counter: Counter
  package var failsAt: Int?
  package var parameter: Parameter?
  package var process: any DiffusionProcess

  package init(
    counter: Counter, failsAt: Int? = nil, parameter: Parameter? = nil, process: any DiffusionProcess = EDMProcess()
  ) {
    self.process = process
    self.counter = counter
    self.failsAt = failsAt
    self.parameter = parameter
  }

  package func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    counter.calls += 1
    counter.dtypes.formUnion([x.dtype, t.dtype])
    let score = -x / variance(t).broadcastable(toRank: x.rank)
    return counter.calls == failsAt ? score * Double.nan : score
  }

  package func energy(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    counter.dtypes.formUnion([x.dtype, t.dtype])
    return 0.5 * x.square().sumPerExample() / variance(t)
  }

  /// s²·(σ² + 1).
  private func variance(_ t: Tensor) -> Tensor { (process.sigma(t).square() + 1) * process.scale(t).square() }
}
