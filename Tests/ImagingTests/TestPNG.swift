import CZlib
import Foundation

/// Writes PNG files of every kind that the format has, chunk by chunk, independently of libpng.
struct TestPNG {
  var width: Int
  var height: Int
  var bitDepth = 8
  /// 0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGB with alpha.
  var colorType = 0
  var interlaced = false
  var palette: [UInt8] = []
  var transparency: [UInt8] = []
  /// The sample of channel c at column x and row y.
  var sample: (_ x: Int, _ y: Int, _ c: Int) -> Int

  var channels: Int { [0: 1, 2: 3, 3: 1, 4: 2, 6: 4][colorType]! }

  var data: Data {
    var result = Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
    let header = bigEndian(width) + bigEndian(height) + [UInt8(bitDepth), UInt8(colorType), 0, 0, interlaced ? 1 : 0]
    result += TestPNG.chunk("IHDR", header)
    if !palette.isEmpty { result += TestPNG.chunk("PLTE", palette) }
    if !transparency.isEmpty { result += TestPNG.chunk("tRNS", transparency) }
    result += TestPNG.chunk("IDAT", deflated(interlaced ? adam7() : pass(0, 0, 1, 1)))
    return result + TestPNG.chunk("IEND", [])
  }

  static func chunk(_ name: String, _ content: [UInt8]) -> [UInt8] {
    let body = Array(name.utf8) + content
    let check = body.withUnsafeBufferPointer { crc32(0, $0.baseAddress, UInt32($0.count)) }
    return bigEndian(content.count) + body + bigEndian(Int(check))
  }

  /// The seven passes: first column and row, then the steps.
  private func adam7() -> [UInt8] {
    [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
      .flatMap { pass($0.0, $0.1, $0.2, $0.3) }
  }

  private func pass(_ left: Int, _ top: Int, _ stepX: Int, _ stepY: Int) -> [UInt8] {
    if left >= width { return [] }
    return stride(from: top, to: height, by: stepY).flatMap { y in
      let samples = stride(from: left, to: width, by: stepX).flatMap { x in (0..<channels).map { sample(x, y, $0) } }
      return [0] + packed(samples)
    }
  }

  private func packed(_ samples: [Int]) -> [UInt8] {
    if bitDepth == 16 { return samples.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] } }
    let perByte = 8 / bitDepth
    return stride(from: 0, to: samples.count, by: perByte).map { start in
      (0..<perByte).reduce(UInt8(0)) { byte, offset in
        let value = start + offset < samples.count ? samples[start + offset] : 0
        return byte | UInt8(value) << UInt8(8 - bitDepth * (offset + 1))
      }
    }
  }
}

private func bigEndian(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(value >> (24 - 8 * $0) & 255) } }

private func deflated(_ bytes: [UInt8]) -> [UInt8] {
  var size = compressBound(UInt(bytes.count))
  var result = [UInt8](repeating: 0, count: Int(size))
  precondition(compress(&result, &size, bytes, UInt(bytes.count)) == Z_OK)
  return Array(result.prefix(Int(size)))
}

/// Calls `body` with the path of a new folder, which is removed afterwards.
func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("imaging-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path)
}
