public import Torch

/// Changes of images that leave them what they are: each example of a batch is flipped and moved at random.
///
/// The change is not told to the model, which therefore learns to draw flipped and moved images too: for data where those are as
/// good as the others.
public struct Augmentation: Codable, Hashable, Sendable {
  /// Whether every second image, at random, is mirrored left to right.
  public var flipsHorizontally: Bool
  /// Whether every second image, at random, is turned upside down.
  public var flipsVertically: Bool
  /// The largest distance in pixels, in each direction, by which images are moved; the pixels of the edge are repeated.
  public var shift: Int

  /// Makes an augmentation.
  ///
  /// - Precondition: `shift` is not negative.
  public init(flipsHorizontally: Bool = false, flipsVertically: Bool = false, shift: Int = 0) {
    precondition(shift >= 0, "images are moved by 0 or more pixels, not \(shift)")
    self.flipsHorizontally = flipsHorizontally
    self.flipsVertically = flipsVertically
    self.shift = shift
  }

  /// Whether nothing is changed.
  public var isIdentity: Bool { !flipsHorizontally && !flipsVertically && shift == 0 }

  /// Changed images, `[batch, channels, height, width]`.
  ///
  /// - Precondition: the examples are images, unless nothing is changed.
  public func callAsFunction(_ images: Tensor, using generator: inout RandomGenerator) -> Tensor {
    if isIdentity { return images }
    precondition(images.rank == 4, "images have the shape [batch, channels, height, width], not \(images.shape)")
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
