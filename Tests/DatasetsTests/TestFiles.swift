import CZlib
import Datasets
import Files
import Foundation
import Testing

/// A folder for a test's files, removed with it.
final class TestFolder {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("datasets-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file, with the folders on the way to it, and returns its path.
  @discardableResult
  func write(_ bytes: [UInt8], _ name: String) throws -> String {
    let url = URL(fileURLWithPath: path + "/" + name)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
    return url.path
  }
}

/// An IDX file.
func idx(_ shape: [Int], _ elements: [UInt8], type: UInt8 = 8) -> [UInt8] {
  [0, 0, type, UInt8(shape.count)] + shape.flatMap { length in (0..<4).map { UInt8(length >> (24 - 8 * $0) & 255) } }
    + elements
}

/// A gzip file of one member.
func gzip(_ bytes: [UInt8]) -> [UInt8] {
  let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  stream.initialize(to: z_stream())
  defer { stream.deallocate() }
  let size = Int32(MemoryLayout<z_stream>.size)
  precondition(deflateInit2_(stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK)
  defer { deflateEnd(stream) }
  var (input, output) = (bytes, [UInt8](repeating: 0, count: bytes.count * 2 + 64))
  let capacity = output.count
  return input.withUnsafeMutableBufferPointer { source in
    output.withUnsafeMutableBufferPointer { target in
      stream.pointee.next_in = source.baseAddress
      stream.pointee.avail_in = UInt32(source.count)
      stream.pointee.next_out = target.baseAddress
      stream.pointee.avail_out = UInt32(capacity)
      precondition(deflate(stream, Z_FINISH) == Z_STREAM_END)
      return Array(target.prefix(capacity - Int(stream.pointee.avail_out)))
    }
  }
}

/// The error of reading something that cannot be read, whose sentence has the path and the given words.
func expectFailure(
  _ kind: FailureKind, _ path: String, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () throws -> Dataset
) {
  let error = #expect(throws: DataError.self, sourceLocation: sourceLocation) { _ = try body() }
  guard let error else { return }
  #expect(error.kind == kind && error.path == path, sourceLocation: sourceLocation)
  for word in words + [path] {
    #expect(error.description.contains(word), sourceLocation: sourceLocation)
  }
  #expect(!error.description.contains("\n"), sourceLocation: sourceLocation)
}

/// The error of content that cannot be read, whose sentence has the given words.
func expectSentence(
  _ words: String..., sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Dataset
) {
  let error = #expect(throws: DataError.self, sourceLocation: sourceLocation) { _ = try body() }
  for word in words {
    #expect(
      error?.description.contains(word) == true, "\(error?.description ?? "") lacks \(word)",
      sourceLocation: sourceLocation)
  }
}

/// Data that are only on some machines, beside the package's folder.
enum SharedData {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("shared/data").path

  static func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: folder + "/" + name) }
}
