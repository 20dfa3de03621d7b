package import Foundation

/// The bytes of a file, read on request at any position, or bytes in memory.
///
/// Reading from several threads at once is safe: no position is shared.
package final class RandomAccessBytes: Sendable {
  /// The name of the file in errors.
  package let path: String
  /// The number of bytes, no more than `largest`.
  package let count: Int
  private let storage: Storage

  /// The largest number of bytes that a file may have: 256 TiB, so that products with small factors do not overflow.
  package static let largest = 1 << 48

  private enum Storage: Sendable {
    case memory(Data)
    case file(InputFile)
  }

  /// Takes bytes that are in memory already.
  package init(_ data: Data, path: String) {
    self.path = path
    count = data.count
    storage = .memory(data)
  }

  /// Opens a regular file.
  ///
  /// - Throws: `DataError`.
  package init(path: String) throws(DataError) {
    let file = try files { () throws(FileError) in try InputFile(path) }
    guard file.size <= Self.largest else {
      throw DataError(malformed: path, "it has \(file.size) bytes, more than any file of examples")
    }
    self.path = path
    count = file.size
    storage = .file(file)
  }

  /// Reads the bytes of a range into a buffer of its length.
  ///
  /// - Throws: `DataError` if the range is not inside the file, or if it has become shorter since it was opened.
  package func read(_ range: Range<Int>, into buffer: UnsafeMutableRawBufferPointer) throws(DataError) {
    try check(range)
    demand(buffer.count == range.count, "a buffer of \(buffer.count) bytes is not for \(range.count)")
    switch storage {
    case .memory(let data):
      let start = data.startIndex + range.lowerBound
      data.copyBytes(to: buffer.bindMemory(to: UInt8.self), from: start..<(start + range.count))
    case .file(let file):
      let read = try files { () throws(FileError) in try file.read(at: range.lowerBound, into: buffer) }
      guard read == range.count else { throw DataError(malformed: path, "it became shorter while it was read") }
    }
  }

  /// The bytes of a range.
  ///
  /// - Throws: as `read(_:into:)`, and if there is not enough memory.
  package func read(_ range: Range<Int>) throws(DataError) -> [UInt8] {
    try check(range)
    try requireMemory(range.count, for: path)
    var failure: DataError?
    let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, filled in
      do throws(DataError) {
        try read(
          range, into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<range.count]))
        filled = range.count
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return bytes
  }

  /// The first bytes, as many as there are up to a limit.
  package func prefix(_ limit: Int) throws(DataError) -> [UInt8] { try read(0..<min(limit, count)) }

  /// All bytes, read from the file if they are not in memory.
  ///
  /// - Throws: as `read(_:)`, and if there are more than `limit`.
  package func content(limit: Int) throws(DataError) -> Data {
    guard count <= limit else {
      throw DataError(malformed: path, "it has \(count) bytes, and at most \(limit) are read")
    }
    if case .memory(let data) = storage { return data }
    return try filledData(count, path: path) { (buffer) throws(DataError) in
      try read(0..<count, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]))
      return count
    }
  }

  /// Calls a closure with the bytes of a range if they are in memory; `nil` if they are in a file.
  package func withMemory<Result>(of range: Range<Int>, _ body: (UnsafeRawBufferPointer) -> Result) -> Result? {
    guard case .memory(let data) = storage, range.lowerBound >= 0, range.upperBound <= count else { return nil }
    return data.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[range])) }
  }

  private func check(_ range: Range<Int>) throws(DataError) {
    guard range.lowerBound >= 0, range.upperBound <= count else {
      throw DataError(
        malformed: path, "bytes up to \(range.upperBound) are needed, and it has \(count); the file is incomplete")
    }
  }
}
