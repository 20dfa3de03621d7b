internal import CTorch
internal import Files

extension Tensor {
  /// The same elements in another shape; one length may be −1 and is then derived.
  public func reshaped(_ shape: [Int]) -> Tensor {
    produce("reshaped", [self]) { out in shape.withInt64s { ctorch_reshape(pointer, $0, $1, out) } }
  }

  /// The same elements in another shape; one length may be −1 and is then derived.
  public func reshaped(_ shape: Int...) -> Tensor { reshaped(shape) }

  /// Joins the dimensions from `first` to `last`, both included.
  public func flattened(from first: Int = 0, through last: Int = -1) -> Tensor {
    let shape = shape
    if shape.isEmpty { return reshaped([1]) }
    let start = first < 0 ? first + shape.count : first
    let end = last < 0 ? last + shape.count : last
    demand(
      start >= 0 && start <= end && end < shape.count,
      "a tensor of shape \(shape) has no dimensions \(first) through \(last)")
    if start == end { return self }
    return reshaped(Array(shape[..<start]) + [shape[start...end].reduce(1, *)] + Array(shape[(end + 1)...]))
  }

  /// Repeats dimensions of length 1 without copying; −1 keeps a length.
  public func expanded(to shape: [Int]) -> Tensor {
    produce("expanded", [self]) { out in shape.withInt64s { ctorch_expand(pointer, $0, $1, out) } }
  }

  /// Reorders the dimensions: dimension i of the result is dimension `order[i]`.
  public func permuted(_ order: Int...) -> Tensor {
    produce("permuted", [self]) { out in order.withInt64s { ctorch_permute(pointer, $0, $1, out) } }
  }

  /// Exchanges two dimensions; the last two by default.
  public func transposed(_ first: Int = -2, _ second: Int = -1) -> Tensor {
    produce("transposed", [self]) { ctorch_transpose(pointer, Int64(first), Int64(second), $0) }
  }

  /// Inserts a dimension of length 1.
  public func expandingDimension(at dimension: Int) -> Tensor {
    produce("expandingDimension", [self]) { ctorch_unsqueeze(pointer, Int64(dimension), $0) }
  }

  /// Removes a dimension of length 1; a longer one stays.
  public func squeezed(_ dimension: Int) -> Tensor {
    produce("squeezed", [self]) { ctorch_squeeze(pointer, Int64(dimension), $0) }
  }

  /// Appends dimensions of length 1 up to a rank, so that `[batch]` broadcasts against `[batch, …]`.
  public func broadcastable(toRank rank: Int) -> Tensor {
    let shape = shape
    return shape.count >= rank ? self : reshaped(shape + Array(repeating: 1, count: rank - shape.count))
  }

  /// The same values with elements in row-major order in memory.
  public func contiguous() -> Tensor { produce("contiguous", [self]) { ctorch_contiguous(pointer, $0) } }

  /// The same values with channels innermost in memory, which convolutions of some shapes run faster on.
  ///
  /// - Precondition: the rank is 4.
  public func channelsLast() -> Tensor { produce("channelsLast", [self]) { ctorch_channels_last(pointer, $0) } }

  /// Joins tensors along an existing dimension.
  public static func concatenate(_ tensors: [Tensor], along dimension: Int = 0) -> Tensor {
    produce("concatenate", tensors) { out in
      withHandles(tensors) { ctorch_cat($0, $1, Int64(dimension), out) }
    }
  }

  /// Joins tensors of one shape along a new dimension.
  public static func stack(_ tensors: [Tensor], along dimension: Int = 0) -> Tensor {
    produce("stack", tensors) { out in
      withHandles(tensors) { ctorch_stack($0, $1, Int64(dimension), out) }
    }
  }

  /// Cuts a dimension into parts of the given lengths, which add up to its own.
  public func split(_ lengths: [Int], along dimension: Int = 0) -> [Tensor] {
    produceMany("split", count: lengths.count, [self]) { out in
      lengths.withInt64s { base, count in
        guard let base else { return 0 }
        return ctorch_split(pointer, base, count, Int64(dimension), out)
      }
    }
  }

  /// Cuts a dimension into equal parts.
  public func chunked(_ count: Int, along dimension: Int = 0) -> [Tensor] {
    let length = size(dimension)
    demand(count > 0 && length % count == 0, "\(length) elements do not make \(count) equal parts")
    return split(Array(repeating: length / count, count: count), along: dimension)
  }

  /// All elements of all tensors in one vector, each tensor in row-major order.
  public static func flatten(_ tensors: [Tensor]) -> Tensor {
    demand(!tensors.isEmpty, "there is nothing to flatten")
    return produce("flatten", tensors) { out in withHandles(tensors) { ctorch_flatten_all($0, $1, out) } }
  }

  /// Cuts a vector into tensors of the shapes of others: the inverse of `flatten`.
  public func unflattened(like others: [Tensor]) -> [Tensor] {
    produceMany("unflattened", count: others.count, [self]) { out in
      withHandles(others) { ctorch_unflatten_like(pointer, $0, $1, out) }
    }
  }

  /// Reverses the order along dimensions.
  public func flipped(_ dimensions: Int...) -> Tensor {
    produce("flipped", [self]) { out in
      dimensions.withInt64s { base, count in
        guard let base else { return ctorch_contiguous(pointer, out) }
        return ctorch_flip(pointer, base, count, out)
      }
    }
  }

  /// Surrounds the last two dimensions with a constant.
  public func padded(
    top: Int = 0, bottom: Int = 0, left: Int = 0, right: Int = 0, with value: Double = 0
  ) -> Tensor {
    let padding = [Int64(left), Int64(right), Int64(top), Int64(bottom)]
    return produce("padded", [self]) { out in
      padding.withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return 0 }
        return ctorch_pad(pointer, base, 4, value, out)
      }
    }
  }
}
