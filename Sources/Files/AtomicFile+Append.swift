public import Foundation

extension AtomicFile {
  /// Appends bytes to a file, which is created if it does not exist.
  ///
  /// - Throws: `FileError`.
  public static func append(_ data: Data, to path: String) throws(FileError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw FileError("write", path: path) }
    defer { close(descriptor) }
    var rest = data[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if errno != EINTR {
        throw FileError("write", path: path)
      }
    }
  }
}
