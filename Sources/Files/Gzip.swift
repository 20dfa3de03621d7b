internal import CZlib
package import Foundation

/// Reading of compressed data, with zlib: gzip files, and the bare DEFLATE streams of ZIP files.
package enum Gzip {
  /// The format around the DEFLATE stream.
  package enum Format: Sendable {
    /// The headers and check sums of gzip, in one or more members.
    case gzip
    /// The bare stream, as in ZIP files.
    case raw

    var windowBits: Int32 { self == .gzip ? 15 + 16 : -15 }
    var name: String { self == .gzip ? "gzip" : "compressed" }
  }

  /// The largest compression factor of DEFLATE; a file that announces a larger one is damaged.
  package static let largestRatio = 1032

  /// An upper bound on the decompressed size of `compressed` bytes; no overflow for sizes that a file may have.
  package static func largestContent(of compressed: Int) -> Int { compressed * largestRatio + 64 }

  /// Whether bytes begin as a gzip file does.
  package static func recognizes(_ data: some Collection<UInt8>) -> Bool { data.starts(with: [0x1F, 0x8B]) }

  /// Decompresses data, for gzip all its members, up to `limit` bytes.
  ///
  /// Check sums are verified for every member that is read to its end. Needs memory for the content, once, and for 1
  /// MiB of compressed data.
  ///
  /// - Parameters:
  ///   - source: the file.
  ///   - range: where the compressed data are in it.
  ///   - path: the name of the data in errors.
  ///   - limit: the largest number of bytes to return.
  /// - Throws: `DataError` if the data are damaged, end early or are followed by other bytes.
  package static func decompress(
    _ source: RandomAccessBytes, _ range: Range<Int>? = nil, path: String? = nil, limit: Int, format: Format = .gzip
  ) throws(DataError) -> Data {
    let range = range ?? 0..<source.count
    let path = path ?? source.path
    let capacity = min(limit, largestContent(of: range.count))
    return try filledData(capacity, path: path) { (output) throws(DataError) in
      let inflation = try Inflation(source, range, path: path, format: format)
      return try inflation.fill(UnsafeMutableRawBufferPointer(rebasing: output[..<capacity]))
    }
  }
}

/// A decompression in progress.
private final class Inflation {
  private let source: RandomAccessBytes
  private let end: Int
  private let path: String
  private let format: Gzip.Format
  /// zlib requires that its stream stays at one address.
  private let stream: UnsafeMutablePointer<z_stream>
  /// The position in the source where the next compressed bytes are read.
  private var next: Int
  private let input: UnsafeMutableRawBufferPointer

  init(
    _ source: RandomAccessBytes, _ range: Range<Int>, path: String, format: Gzip.Format
  ) throws(DataError) {
    (self.source, self.path, self.format) = (source, path, format)
    (next, end) = (range.lowerBound, range.upperBound)
    input = .allocate(byteCount: max(1, min(range.count, 1 << 20)), alignment: 1)
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    guard inflateInit2_(stream, format.windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw DataError(.internal, path: path, "cannot read \(path): there is not enough memory")
    }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
    input.deallocate()
  }

  /// The number of compressed bytes that zlib has not used yet.
  private var rest: Int { end - next + Int(stream.pointee.avail_in) }

  /// Decompresses until the output is full or the data end; the number of bytes.
  func fill(_ output: UnsafeMutableRawBufferPointer) throws(DataError) -> Int {
    var filled = 0
    while filled < output.count {
      if stream.pointee.avail_in == 0, next < end { try readInput() }
      let room = min(output.count - filled, 1 << 30)
      stream.pointee.next_out = output.baseAddress?.advanced(by: filled).assumingMemoryBound(to: UInt8.self)
      stream.pointee.avail_out = UInt32(room)
      let status = inflate(stream, Z_NO_FLUSH)
      filled += room - Int(stream.pointee.avail_out)
      switch status {
      case Z_OK: continue
      case Z_STREAM_END:
        if filled == output.count || rest == 0 { return filled }
        try beginMember()
      case Z_BUF_ERROR:
        if next < end, stream.pointee.avail_in == 0 { continue }
        throw DataError(malformed: path, "the \(format.name) data end early; the file is incomplete, get it again")
      case Z_MEM_ERROR:
        throw DataError(.internal, path: path, "cannot read \(path): there is not enough memory")
      default:
        let reason = stream.pointee.msg.map { " (\(String(cString: $0)))" } ?? ""
        throw DataError(malformed: path, "the \(format.name) data are damaged\(reason); get the file again")
      }
    }
    return filled
  }

  /// Appends the next compressed bytes to zlib's input, after the bytes that it has not used yet.
  private func readInput() throws(DataError) {
    let kept = Int(stream.pointee.avail_in)
    if kept > 0, let base = input.baseAddress { memmove(base, stream.pointee.next_in, kept) }
    let count = min(input.count - kept, end - next)
    try source.read(next..<(next + count), into: UnsafeMutableRawBufferPointer(rebasing: input[kept..<(kept + count)]))
    next += count
    stream.pointee.next_in = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_in = UInt32(kept + count)
  }

  /// Goes on with the next member of gzip data.
  private func beginMember() throws(DataError) {
    if stream.pointee.avail_in < 2, next < end { try readInput() }
    let start = UnsafeRawBufferPointer(start: stream.pointee.next_in, count: Int(stream.pointee.avail_in))
    guard format == .gzip, Gzip.recognizes(start) else {
      throw DataError(malformed: path, "\(rest) bytes follow the end of the \(format.name) data")
    }
    inflateReset(stream)
  }
}
