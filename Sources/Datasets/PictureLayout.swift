internal import Files

/// How the bytes of pictures lie in an array: which lengths are channels, height and width.
struct PictureLayout: Sendable {
  /// `[channels, height, width]`.
  let shape: [Int]
  /// Whether the channels of one pixel are adjacent, rather than the pixels of one channel.
  let isInterleaved: Bool

  init(shape: [Int], isInterleaved: Bool) {
    self.shape = shape
    self.isInterleaved = isInterleaved && shape[0] > 1
  }

  /// The layout of an array `[count, height, width]`, or of rank 4 with 1 or 3 channels in the second or the last place; `nil`
  /// for one of other lengths.
  init?(array lengths: [Int]) {
    switch lengths.count {
    case 3: self.init(shape: [1, lengths[1], lengths[2]], isInterleaved: false)
    case 4 where lengths[1] == 1 || lengths[1] == 3: self.init(shape: Array(lengths[1...]), isInterleaved: false)
    case 4 where lengths[3] == 1 || lengths[3] == 3:
      self.init(shape: [lengths[3], lengths[1], lengths[2]], isInterleaved: true)
    default: return nil
    }
  }

  /// Writes the bytes of some pictures with one plane for each channel.
  ///
  /// - Precondition: there is room for as many bytes.
  func writePlanes(of pixels: [UInt8], to target: UnsafeMutableRawBufferPointer) {
    demand(target.count == pixels.count, "\(pixels.count) bytes do not fit \(target.count)")
    guard isInterleaved else { return target.copyBytes(from: pixels) }
    let (channels, plane) = (shape[0], shape[1] * shape[2])
    var position = 0
    for start in stride(from: 0, to: pixels.count, by: channels * plane) {
      for channel in 0..<channels {
        for pixel in 0..<plane {
          target[position] = pixels[start + pixel * channels + channel]
          position += 1
        }
      }
    }
  }
}
