internal import Files

/// A grey or RGB picture of 8 bits per channel.
///
/// The pixels are in row-major order from the top left, the channels of a pixel side by side: the value of channel c at
/// column x of row y is `pixels[(y·width + x)·channels + c]`.
public struct Image: Equatable, Sendable {
  /// The number of columns.
  public let width: Int
  /// The number of rows.
  public let height: Int
  /// 1 for grey, 3 for red, green and blue.
  public let channels: Int
  /// The values, `height · width · channels` of them.
  public let pixels: [UInt8]

  /// Makes a picture from its pixels.
  ///
  /// - Precondition: both sides are positive, `channels` is 1 or 3, and the pixels fill the picture exactly.
  public init(width: Int, height: Int, channels: Int, pixels: [UInt8]) {
    demand(width > 0 && height > 0, "a picture of \(width) × \(height) pixels is empty")
    demand(channels == 1 || channels == 3, "a picture has 1 or 3 channels, not \(channels)")
    demand(
      pixels.count == width * height * channels,
      "\(pixels.count) bytes do not fill \(width) × \(height) pixels of \(channels) channels")
    self.width = width
    self.height = height
    self.channels = channels
    self.pixels = pixels
  }

  /// The same picture with three channels; itself if it has them.
  public func rgb() -> Image {
    if channels == 3 { return self }
    let tripled = [UInt8](unsafeUninitializedCapacity: pixels.count * 3) { buffer, count in
      for (index, value) in pixels.enumerated() {
        for channel in 0..<3 { buffer[index * 3 + channel] = value }
      }
      count = pixels.count * 3
    }
    return Image(width: width, height: height, channels: 3, pixels: tripled)
  }
}
