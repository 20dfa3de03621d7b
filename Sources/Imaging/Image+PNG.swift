internal import CPNG
internal import Files
public import Foundation

/// Reading and writing of PNG files, with libpng.
extension Image {
  /// Reads a picture from the bytes of a PNG file.
  ///
  /// Grey files give one channel, all others (also palettes) three. Samples are scaled to 8 bits and rounded. Gamma and
  /// colour profiles are not applied, as is usual for training data. Transparent pixels are laid over white: with alpha
  /// a, a value v becomes (a·v + (255 − a)·255)/255, rounded.
  ///
  /// - Throws: `ImageError` if the bytes are not a PNG file, are damaged, or announce more than 2²⁸ pixels.
  public init(pngData data: Data) throws(ImageError) {
    self = try Image.decode(data, path: nil)
  }

  /// Reads a picture from the bytes of a PNG file; errors name it by `path`.
  package init(pngData data: Data, path: String) throws(ImageError) {
    self = try Image.decode(data, path: path)
  }

  /// The largest size of a PNG file that is read, in bytes: twice the size of pixels with 4 channels of 16 bits, plus
  /// 64 MiB.
  package static func largestFile(width: Int, height: Int) -> Int { 16 * width * height + (64 << 20) }

  /// The largest number of bytes to read from a file, according to its header.
  private static func largestFile(startOf file: InputFile) throws(FileError) -> Int {
    let start = UnsafeMutableRawBufferPointer.allocate(byteCount: PNGHeader.length, alignment: 1)
    defer { start.deallocate() }
    let count = try file.read(at: 0, into: start)
    let header = PNGHeader(UnsafeMutableRawBufferPointer(rebasing: start[..<count]))
    return largestFile(width: header?.width ?? 1, height: header?.height ?? 1)
  }

  /// Reads a PNG file, as `init(pngData:)` does.
  ///
  /// - Throws: `ImageError` with the path; its kind distinguishes a missing file from a damaged file.
  public init(contentsOfPNG path: String) throws(ImageError) {
    let data: Data
    let size, limit: Int
    do throws(FileError) {
      let file = try InputFile(path)
      (size, limit) = (file.size, try Image.largestFile(startOf: file))
      data = size <= limit ? try file.contents() : Data()
    } catch {
      throw ImageError(reading: error)
    }
    guard size <= limit else {
      throw ImageError(
        malformed: "it has \(size) bytes, and a PNG file of its width and height at most \(limit)", path: path)
    }
    self = try Image.decode(data, path: path)
  }

  /// The picture as the bytes of a PNG file: 8 bits per channel, the same bytes for the same picture.
  ///
  /// - Throws: `ImageError` if the picture is larger than the format's limits.
  public func pngData() throws(ImageError) -> Data {
    guard width <= 1_000_000, height <= 1_000_000, pixels.count < 1 << 31 else {
      throw ImageError(unwritable: "\(width) × \(height) pixels are more than a PNG file takes")
    }
    var header = png_image()
    header.version = UInt32(PNG_IMAGE_VERSION)
    header.width = UInt32(width)
    header.height = UInt32(height)
    header.format = channels == 1 ? 0 : UInt32(PNG_FORMAT_FLAG_COLOR)
    defer { png_image_free(&header) }
    // The first call finds the size, the second writes.
    var size: png_alloc_size_t = 0
    guard png_image_write_to_memory(&header, nil, &size, 0, pixels, 0, nil) != 0 else {
      throw ImageError(unwritable: Image.text(&header.message))
    }
    var bytes = [UInt8](repeating: 0, count: Int(size))
    guard png_image_write_to_memory(&header, &bytes, &size, 0, pixels, 0, nil) != 0 else {
      throw ImageError(unwritable: Image.text(&header.message))
    }
    return Data(bytes.prefix(Int(size)))
  }

  /// Writes the picture as a PNG file, whole or not at all.
  ///
  /// - Throws: `ImageError`; after an error the path holds what it held before.
  public func write(toPNG path: String) throws(ImageError) {
    let data = try pngData()
    do {
      try AtomicFile.write(data, to: path)
    } catch {
      throw ImageError(writing: error)
    }
  }

  private static func decode(_ data: Data, path: String?) throws(ImageError) -> Image {
    try data.withUnsafeBytes { bytes -> Result<Image, ImageError> in
      do throws(ImageError) {
        return .success(try decode(bytes, path: path))
      } catch {
        return .failure(error)
      }
    }.get()
  }

  private static func decode(_ bytes: UnsafeRawBufferPointer, path: String?) throws(ImageError) -> Image {
    guard bytes.starts(with: PNGHeader.signature), let base = bytes.baseAddress else {
      throw ImageError(malformed: bytes.isEmpty ? "the file is empty" : "it is not a PNG file", path: path)
    }
    guard let reader = cpng_open(base.assumingMemoryBound(to: UInt8.self), bytes.count) else {
      throw ImageError(memory: 1 << 20, path: path)
    }
    defer { cpng_close(reader) }
    guard cpng_read_header(reader) != 0 else {
      throw ImageError(malformed: "the PNG file is damaged (\(text(&reader.pointee.message)))", path: path)
    }
    let (width, height, samples) = (reader.pointee.width, reader.pointee.height, reader.pointee.channels)
    guard width * height <= PNGHeader.pixelLimit else {
      throw ImageError(
        malformed: "\(width) × \(height) pixels are more than the \(PNGHeader.pixelLimit) that are read", path: path)
    }
    // Deflate shrinks data at most by a factor of 1032. A file that announces more is incomplete, so no memory is
    // allocated for it.
    guard width * height * reader.pointee.file_bits / 8 <= 1040 * bytes.count else {
      throw ImageError(malformed: "the PNG file is too short for its \(width) × \(height) pixels", path: path)
    }
    demand(reader.pointee.row_bytes == width * samples, "libpng's rows are not rows of bytes")
    do throws(FileError) {
      // Memory for the pixels from libpng, and for the pixels with three channels or without alpha.
      try Memory.require(2 * width * height * max(samples, 3), for: path ?? "the picture")
    } catch {
      throw ImageError(reading: error)
    }
    var pixels = [UInt8](repeating: 0, count: width * height * samples)
    guard cpng_read_pixels(reader, &pixels) != 0 else {
      throw ImageError(malformed: "the PNG file is damaged (\(text(&reader.pointee.message)))", path: path)
    }
    let channels = samples > 2 ? 3 : 1
    if samples != channels { pixels = composited(pixels, channels: channels) }
    return Image(width: width, height: height, channels: channels, pixels: pixels)
  }

  /// Lays pixels, whose last channel is alpha, over white.
  private static func composited(_ source: [UInt8], channels: Int) -> [UInt8] {
    let count = source.count / (channels + 1)
    return [UInt8](unsafeUninitializedCapacity: count * channels) { result, filled in
      for pixel in 0..<count {
        let offset = pixel * (channels + 1)
        let alpha = Int(source[offset + channels])
        for channel in 0..<channels {
          let value = Int(source[offset + channel]) * alpha + 255 * (255 - alpha)
          result[filled] = UInt8((value + 127) / 255)
          filled += 1
        }
      }
    }
  }

  /// libpng's message, from an array of C characters.
  private static func text<Characters>(_ message: inout Characters) -> String {
    withUnsafeBytes(of: &message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}
