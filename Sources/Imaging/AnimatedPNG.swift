internal import Files
public import Foundation

/// A sequence of pictures as an animated PNG file; programs without support for animation show the first.
///
/// The format is defined in *Portable Network Graphics*, third edition (W3C, 2025), section 11.3.6. libpng cannot write
/// animations: it compresses the pictures one by one, and this type puts their data into the chunks of an animation.
public struct AnimatedPNG: Sendable {
  /// The pictures, all of one size and number of channels.
  public var frames: [Image]
  /// The time for which each picture except the last is shown, in milliseconds.
  public var frameDuration: Int
  /// The time for which the last picture is shown, in milliseconds.
  public var lastDuration: Int

  /// Makes an animation that is repeated without end.
  ///
  /// - Precondition: there are pictures, all of one kind; durations are from 1 to 65,535.
  public init(frames: [Image], frameDuration: Int = 80, lastDuration: Int = 2000) {
    demand(!frames.isEmpty, "an animation has at least one picture")
    demand(
      frames.allSatisfy {
        ($0.width, $0.height, $0.channels) == (frames[0].width, frames[0].height, frames[0].channels)
      }, "the pictures of an animation have one size and number of channels")
    demand(
      (1...65_535).contains(frameDuration) && (1...65_535).contains(lastDuration),
      "pictures are shown for 1 to 65535 ms, not \(frameDuration) and \(lastDuration)")
    self.frames = frames
    self.frameDuration = frameDuration
    self.lastDuration = lastDuration
  }

  /// The bytes of the file.
  ///
  /// - Throws: `ImageError` if the pictures are larger than the format's limits.
  public func data() throws(ImageError) -> Data {
    var file = Data(PNGHeader.signature)
    var sequence: UInt32 = 0
    for (index, frame) in frames.enumerated() {
      let chunks = Self.chunks(of: try frame.pngData())
      if index == 0 {
        file += Self.chunk("IHDR", chunks.first { $0.kind == "IHDR" }?.content ?? Data())
        // 0 repetitions mean that the animation never ends.
        file += Self.chunk("acTL", Self.bytes(UInt32(frames.count)) + Self.bytes(UInt32(0)))
      }
      let duration = index == frames.count - 1 ? lastDuration : frameDuration
      file += Self.chunk("fcTL", control(sequence, duration))
      sequence += 1
      for part in chunks where part.kind == "IDAT" {
        if index == 0 {
          file += Self.chunk("IDAT", part.content)
        } else {
          file += Self.chunk("fdAT", Self.bytes(sequence) + part.content)
          sequence += 1
        }
      }
    }
    return file + Self.chunk("IEND", Data())
  }

  /// Writes the file, whole or not at all.
  ///
  /// - Throws: `ImageError`.
  public func write(to path: String) throws(ImageError) {
    let data = try data()
    do {
      try AtomicFile.write(data, to: path)
    } catch {
      throw ImageError(writing: error)
    }
  }

  /// A frame's size, place and duration; the frame replaces the frame before it.
  private func control(_ sequence: UInt32, _ duration: Int) -> Data {
    let (width, height) = (UInt32(frames[0].width), UInt32(frames[0].height))
    let numbers = [sequence, width, height, 0, 0].map(Self.bytes).reduce(Data(), +)
    return numbers + Self.bytes(UInt16(duration)) + Self.bytes(UInt16(1000)) + Data([0, 0])
  }

  private static func bytes(_ number: some FixedWidthInteger) -> Data {
    withUnsafeBytes(of: number.bigEndian) { Data($0) }
  }

  private static func chunk(_ kind: String, _ content: Data) -> Data {
    let body = Data(kind.utf8) + content
    return bytes(UInt32(content.count)) + body + bytes(CRC32.checksum(body))
  }

  /// The chunks of a file that libpng has just written.
  private static func chunks(of data: Data) -> [(kind: String, content: Data)] {
    var (rest, result) = (data.dropFirst(8), [(kind: String, content: Data)]())
    while rest.count >= 12 {
      let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
      let kind = String(decoding: rest.dropFirst(4).prefix(4), as: UTF8.self)
      result.append((kind, Data(rest.dropFirst(8).prefix(length))))
      rest = rest.dropFirst(12 + length)
    }
    return result
  }
}
