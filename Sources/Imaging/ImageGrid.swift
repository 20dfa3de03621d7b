internal import Files

/// A layout of pictures of one size in rows.
///
/// With n pictures of w × h pixels, c columns, padding p and magnification s, the result has c·(s·w + p) + p columns and
/// ⌈n/c⌉·(s·h + p) + p rows. The last row may be incomplete; its free cells show the background.
public struct ImageGrid: Equatable, Sendable {
  /// The number of pictures in a row; ⌈√n⌉ if it is nil.
  public var columns: Int?
  /// The pixels between pictures and around all of them.
  public var padding: Int
  /// The value of every channel between pictures.
  public var background: UInt8
  /// How many times every pixel of a picture is repeated in both directions.
  public var scale: Int

  /// Makes a layout.
  ///
  /// - Precondition: `columns` and `scale` are positive, `padding` is not negative.
  public init(columns: Int? = nil, padding: Int = 2, background: UInt8 = 255, scale: Int = 1) {
    demand((columns ?? 1) > 0, "a grid has at least one column, not \(columns ?? 1)")
    demand(padding >= 0, "the padding of a grid is not negative, as \(padding) is")
    demand(scale > 0, "the magnification of a grid is positive, not \(scale)")
    self.columns = columns
    self.padding = padding
    self.background = background
    self.scale = scale
  }

  /// Lays out pictures from left to right, then from top to bottom.
  ///
  /// - Precondition: there is a picture, and all have the same size and channels.
  public func image(of images: [Image]) -> Image {
    guard let first = images.first else { endProgram("a grid needs at least one picture") }
    let columns = columns ?? Int(Double(images.count).squareRoot().rounded(.up))
    let rows = (images.count + columns - 1) / columns
    let (stepX, stepY) = (first.width * scale + padding, first.height * scale + padding)
    let (width, height, channels) = (columns * stepX + padding, rows * stepY + padding, first.channels)
    var pixels = [UInt8](repeating: background, count: width * height * channels)
    for (index, image) in images.enumerated() {
      demand(
        (image.width, image.height, image.channels) == (first.width, first.height, first.channels),
        "picture \(index) of a grid has \(image.width) × \(image.height) pixels of \(image.channels) channels, "
          + "the first \(first.width) × \(first.height) of \(first.channels)")
      let (left, top) = (padding + index % columns * stepX, padding + index / columns * stepY)
      for y in 0..<image.height * scale {
        let source = y / scale * image.width
        let target = (top + y) * width + left
        for x in 0..<image.width * scale {
          for channel in 0..<channels {
            pixels[(target + x) * channels + channel] = image.pixels[(source + x / scale) * channels + channel]
          }
        }
      }
    }
    return Image(width: width, height: height, channels: channels, pixels: pixels)
  }
}
