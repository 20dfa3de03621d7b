internal import Files
public import Torch

/// Random changes of images: each example of a batch is flipped and moved at random.
///
/// The model does not know which images were changed, and learns to draw flipped and moved images too. Use it for data where such
/// images are as good as the originals.
public struct Augmentation: Codable, Hashable, Sendable {
  /// Whether images are mirrored left to right, each with probability ½.
  public var flipsHorizontally: Bool
  /// Whether images are mirrored upside down, each with probability ½.
  public var flipsVertically: Bool
  /// The largest distance in pixels by which images are moved, in each direction; the pixels of the edge are repeated.
  public var shift: Int

  /// Makes an augmentation.
  ///
  /// - Precondition: `shift` is not negative.
  public init(flipsHorizontally: Bool = false, flipsVertically: Bool = false, shift: Int = 0) {
    demand(shift >= 0, "images are moved by 0 or more pixels, not \(shift)")
    self.flipsHorizontally = flipsHorizontally
    self.flipsVertically = flipsVertically
    self.shift = shift
  }

  /// Whether images stay as they are.
  public var isIdentity: Bool { !flipsHorizontally && !flipsVertically && shift == 0 }

  /// The changed images, `[batch, channels, height, width]`.
  ///
  /// - Precondition: the examples have that shape, unless images stay as they are.
  public func callAsFunction(_ images: Tensor, using generator: inout RandomGenerator) -> Tensor {
    if isIdentity { return images }
    demand(images.rank == 4, "images have the shape [batch, channels, height, width], not \(images.shape)")
    let rows = moved(images, along: 2, flips: flipsVertically, using: &generator)
    return moved(rows, along: 3, flips: flipsHorizontally, using: &generator)
  }

  private func moved(
    _ images: Tensor, along dimension: Int, flips: Bool, using generator: inout RandomGenerator
  ) -> Tensor {
    guard flips || shift > 0 else { return images }
    let (count, length) = (images.size(0), images.size(dimension))
    var positions = Tensor.range(0, to: Double(length), dtype: .float64).expandingDimension(at: 0)
    positions = positions.expanded(to: [count, length])
    if flips {
      let isFlipped = generator.integers(below: 2, [count, 1]).to(.float64)
      positions = positions + isFlipped * (Double(length - 1) - 2 * positions)
    }
    if shift > 0 {
      let distance = generator.integers(below: 2 * shift + 1, [count, 1]).to(.float64) - Double(shift)
      positions = (positions + distance).clamped(to: 0...Double(length - 1))
    }
    let shape = dimension == 2 ? [count, 1, length, 1] : [count, 1, 1, length]
    let index = positions.to(.int64).reshaped(shape).expanded(to: images.shape)
    return images.gatheringElements(index.contiguous().to(images.device), along: dimension)
  }
}
