internal import FileSupport
internal import Foundation

/// The bytes of a file, read where they are asked for, or bytes in memory.
///
/// Reading from several threads at once is safe: no position is shared.
final class RandomAccessBytes: Sendable {
  /// What errors call the file.
  let path: String
  /// The number of bytes.
  let count: Int
  private let storage: Storage

  private enum Storage: Sendable {
    case memory(Data)
    case file(Int32)
  }

  /// Takes bytes that are in memory already.
  init(_ data: Data, path: String) {
    self.path = path
    count = data.count
    storage = .memory(data)
  }

  /// Opens a regular file.
  ///
  /// - Throws: `DataError`.
  init(path: String) throws(DataError) {
    try requireRegularFile(path)
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw DataError(FileError("read", path: path)) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      let error = FileError("read", path: path, code: status.st_mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL)
      close(descriptor)
      throw DataError(error)
    }
    self.path = path
    count = Int(status.st_size)
    storage = .file(descriptor)
  }

  deinit {
    if case .file(let descriptor) = storage { close(descriptor) }
  }

  /// The bytes of a range.
  ///
  /// - Throws: `DataError` if the range is not inside the file, or if it has become shorter since it was opened.
  func read(_ range: Range<Int>) throws(DataError) -> [UInt8] {
    guard range.lowerBound >= 0, range.upperBound <= count else {
      throw DataError(
        malformed: path, "bytes up to \(range.upperBound) are needed, and it has \(count); the file is incomplete")
    }
    switch storage {
    case .memory(let data):
      return Array(data[(data.startIndex + range.lowerBound)..<(data.startIndex + range.upperBound)])
    case .file(let descriptor):
      var failure: DataError?
      let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, filled in
        while filled < range.count {
          let position = off_t(range.lowerBound + filled)
          let count = pread(descriptor, buffer.baseAddress?.advanced(by: filled), range.count - filled, position)
          if count > 0 {
            filled += count
          } else if count == 0 {
            failure = DataError(malformed: path, "it became shorter while it was read")
            return
          } else if errno != EINTR {
            failure = DataError(FileError("read", path: path))
            return
          }
        }
      }
      if let failure { throw failure }
      return bytes
    }
  }

  /// The first bytes, as many as there are up to a limit.
  func prefix(_ limit: Int) throws(DataError) -> [UInt8] { try read(0..<min(limit, count)) }
}
