internal import CTorch

/// A selection along one dimension, for the subscript of a tensor.
public enum TensorIndex: ExpressibleByIntegerLiteral {
  /// The whole dimension.
  case all
  /// One position, which removes the dimension; negative numbers count from the end.
  case at(Int)
  /// Positions from the first up to but not including the second, in steps.
  case range(Int, Int, step: Int = 1)
  /// Positions from one to the end.
  case from(Int)
  /// A new dimension of length 1.
  case new

  /// One position.
  public init(integerLiteral value: Int) { self = .at(value) }
}

extension Tensor {
  /// Selects by position or range, one index for each dimension from the first: `x[.all, 0, .range(1, 3)]`.
  public subscript(_ indices: TensorIndex...) -> Tensor {
    var result = self
    var dimension = 0
    for index in indices {
      switch index {
      case .all: dimension += 1
      case .at(let position): result = result.selecting(position, along: dimension)
      case .range(let start, let end, let step):
        result = result.slicing(start, end, step: step, along: dimension)
        dimension += 1
      case .from(let start):
        result = result.slicing(start, Int.max, along: dimension)
        dimension += 1
      case .new:
        result = result.expandingDimension(at: dimension)
        dimension += 1
      }
    }
    return result
  }

  /// One position of the first dimension.
  public subscript(_ position: Int) -> Tensor { selecting(position, along: 0) }

  /// A range of positions of the first dimension.
  public subscript(_ range: Range<Int>) -> Tensor { slicing(range.lowerBound, range.upperBound, along: 0) }

  /// One position along a dimension, which is removed.
  public func selecting(_ position: Int, along dimension: Int) -> Tensor {
    produce("selecting", [self]) { ctorch_select(pointer, Int64(dimension), Int64(position), $0) }
  }

  /// Positions from `start` up to but not including `end` along a dimension; both are limited to its length.
  public func slicing(_ start: Int, _ end: Int, step: Int = 1, along dimension: Int) -> Tensor {
    produce("slicing", [self]) {
      ctorch_slice(pointer, Int64(dimension), Int64(start), Int64(end), Int64(step), $0)
    }
  }

  /// Selects positions along a dimension; `indices` is a vector of integers.
  public func gathering(_ indices: Tensor, along dimension: Int = 0) -> Tensor {
    produce("gathering", [self, indices]) {
      ctorch_index_select(pointer, Int64(dimension), indices.pointer, $0)
    }
  }

  /// Selects positions along a dimension.
  public func gathering(_ indices: [Int], along dimension: Int = 0) -> Tensor {
    gathering(Tensor(indices).to(device), along: dimension)
  }

  /// Selects one element for each element of `indices`, which is its position along a dimension; its other coordinates
  /// stay the same.
  public func gatheringElements(_ indices: Tensor, along dimension: Int) -> Tensor {
    produce("gatheringElements", [self, indices]) {
      ctorch_gather(pointer, Int64(dimension), indices.pointer, $0)
    }
  }
}
