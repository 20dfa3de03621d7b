internal import CZlib
internal import Foundation

/// Reading of compressed data, with zlib: gzip files, and the bare DEFLATE streams of ZIP files.
enum Gzip {
  /// What surrounds the DEFLATE stream.
  enum Format: Sendable {
    /// The headers and check sums of gzip, in one or more members.
    case gzip
    /// Nothing.
    case raw

    var windowBits: Int32 { self == .gzip ? 15 + 16 : -15 }
    var name: String { self == .gzip ? "gzip" : "compressed" }
  }

  /// The largest factor by which DEFLATE can make data smaller: nothing honest announces more.
  static let largestRatio = 1032

  /// Whether bytes begin as a gzip file does.
  static func recognizes(_ data: some Collection<UInt8>) -> Bool { data.starts(with: [0x1F, 0x8B]) }

  /// The content of compressed data, of gzip with all its members; no more than `limit` bytes of it.
  ///
  /// Check sums are verified for every member that is read to its end.
  ///
  /// - Throws: `DataError` if the file is damaged, ends early or has something else behind its last member.
  static func decompress(
    _ data: some ContiguousBytes, path: String, limit: Int, format: Format = .gzip
  ) throws(DataError) -> [UInt8] {
    try data.withUnsafeBytes { input -> Result<[UInt8], DataError> in
      do throws(DataError) {
        return .success(try decompress(input, path: path, limit: limit, format: format))
      } catch {
        return .failure(error)
      }
    }.get()
  }

  private static func decompress(
    _ input: UnsafeRawBufferPointer, path: String, limit: Int, format: Format
  ) throws(DataError) -> [UInt8] {
    // zlib wants its stream to stay at one place.
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    defer { stream.deallocate() }
    guard inflateInit2_(stream, format.windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw DataError(.unreadable, path: path, "cannot read \(path): there is not enough memory")
    }
    defer { inflateEnd(stream) }
    var output: [UInt8] = []
    var consumed = 0
    while true {
      let status = step(stream, input, &consumed, &output, room: min(limit - output.count, 1 << 18))
      if output.count == limit { return output }
      switch status {
      case Z_OK: continue
      case Z_STREAM_END:
        if consumed == input.count { return output }
        guard format == .gzip, recognizes(input[consumed...]) else {
          throw DataError(malformed: path, "\(input.count - consumed) bytes follow the end of the \(format.name) data")
        }
        inflateReset(stream)
      case Z_BUF_ERROR:
        throw DataError(malformed: path, "the \(format.name) data end early; the file is incomplete, get it again")
      default:
        let reason = stream.pointee.msg.map { " (\(String(cString: $0)))" } ?? ""
        throw DataError(malformed: path, "the \(format.name) data are damaged\(reason); get the file again")
      }
    }
  }

  /// Decompresses up to `room` bytes more; zlib's status.
  private static func step(
    _ stream: UnsafeMutablePointer<z_stream>, _ input: UnsafeRawBufferPointer, _ consumed: inout Int,
    _ output: inout [UInt8], room: Int
  ) -> Int32 {
    let rest = input[consumed...].prefix(1 << 30)
    let base = UnsafeRawBufferPointer(rebasing: rest).baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.next_in = UnsafeMutablePointer(mutating: base)
    stream.pointee.avail_in = UInt32(rest.count)
    var status = Z_OK
    output += [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
      stream.pointee.next_out = buffer.baseAddress
      stream.pointee.avail_out = UInt32(room)
      status = inflate(stream, Z_NO_FLUSH)
      count = room - Int(stream.pointee.avail_out)
    }
    consumed += rest.count - Int(stream.pointee.avail_in)
    return status
  }
}
