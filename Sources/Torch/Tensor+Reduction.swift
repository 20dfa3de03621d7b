internal import CTorch

extension Tensor {
  private typealias Reduction = (
    OpaquePointer, UnsafePointer<Int64>?, Int64, Bool, UnsafeMutablePointer<OpaquePointer?>
  ) -> Int32

  @inline(__always)
  private func reduce(_ name: StaticString, _ dimensions: [Int], _ keep: Bool, _ function: Reduction) -> Tensor {
    produce(name, [self]) { out in dimensions.withInt64s { function(pointer, $0, $1, keep, out) } }
  }

  /// The sum along the given dimensions; of all elements if none is given.
  ///
  /// With `keepingDimensions` they stay in the shape, with length 1. The same holds for the other reductions.
  public func sum(_ dimensions: Int..., keepingDimensions keep: Bool = false) -> Tensor {
    reduce("sum", dimensions, keep, ctorch_sum)
  }
  /// The sum along the given dimensions; of all elements if none is given.
  public func sum(_ dimensions: [Int], keepingDimensions keep: Bool = false) -> Tensor {
    reduce("sum", dimensions, keep, ctorch_sum)
  }
  /// The mean along the given dimensions; of all elements if none is given.
  public func mean(_ dimensions: Int..., keepingDimensions keep: Bool = false) -> Tensor {
    reduce("mean", dimensions, keep, ctorch_mean)
  }
  /// The mean along the given dimensions; of all elements if none is given.
  public func mean(_ dimensions: [Int], keepingDimensions keep: Bool = false) -> Tensor {
    reduce("mean", dimensions, keep, ctorch_mean)
  }
  /// The largest element along the given dimensions; of all elements if none is given.
  public func max(_ dimensions: Int..., keepingDimensions keep: Bool = false) -> Tensor {
    reduce("max", dimensions, keep, ctorch_amax)
  }
  /// The smallest element along the given dimensions; of all elements if none is given.
  public func min(_ dimensions: Int..., keepingDimensions keep: Bool = false) -> Tensor {
    reduce("min", dimensions, keep, ctorch_amin)
  }
  /// log Σ eˣ along the given dimensions without overflow; of all elements if none is given.
  public func logSumExp(_ dimensions: Int..., keepingDimensions keep: Bool = false) -> Tensor {
    reduce("logSumExp", dimensions, keep, ctorch_logsumexp)
  }

  /// The variance along the given dimensions: the sum of squared deviations over (count − correction).
  public func variance(_ dimensions: Int..., correction: Int = 1, keepingDimensions keep: Bool = false) -> Tensor {
    produce("variance", [self]) { out in
      dimensions.withInt64s { ctorch_var(pointer, $0, $1, Int32(correction), keep, out) }
    }
  }

  /// ‖x‖₂ = √Σx² of all elements, as a number; 0 for no elements.
  ///
  /// The sum is taken in double precision, without overflow, and its bits do not depend on the number of threads. It takes one pass
  /// and, for contiguous floating-point numbers on the processor, no further memory.
  public func norm() -> Double {
    var norm = 0.0
    check("norm", ctorch_euclidean_norm(pointer, &norm), [self])
    return norm
  }

  /// For each example the sum over all dimensions but the first: shape `[batch]`.
  public func sumPerExample() -> Tensor { rank <= 1 ? self : flattened(from: 1).sum(1) }

  /// Whether all elements are true or not zero.
  public func all() -> Bool { produce("all", [self]) { ctorch_all(pointer, $0) }.item() != 0 }
  /// Whether any element is true or not zero.
  public func any() -> Bool { produce("any", [self]) { ctorch_any(pointer, $0) }.item() != 0 }
  /// Whether no element is infinite or NaN.
  public var allFinite: Bool { isFinite().all() }

  /// The position of the largest element along a dimension, as `int64`.
  public func argmax(_ dimension: Int, keepingDimension keep: Bool = false) -> Tensor {
    produce("argmax", [self]) { ctorch_argmax(pointer, Int64(dimension), keep, $0) }
  }
  /// The k-th smallest of all elements, counted from 1, as a tensor without dimensions.
  ///
  /// - Complexity: linear time on one thread of the processor; memory for a copy of the tensor and for the positions of
  ///   its elements.
  public func kthSmallest(_ k: Int) -> Tensor {
    produce("kthSmallest", [self]) { ctorch_kth_smallest(pointer, Int64(k), $0) }
  }
  /// The running sum along a dimension.
  public func cumulativeSum(_ dimension: Int) -> Tensor {
    produce("cumulativeSum", [self]) { ctorch_cumsum(pointer, Int64(dimension), $0) }
  }
  /// The positions that sort a dimension, as `int64`; equal elements keep their order.
  public func argsort(_ dimension: Int = -1, descending: Bool = false) -> Tensor {
    produce("argsort", [self]) { ctorch_argsort(pointer, Int64(dimension), descending, $0) }
  }
}
