public import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A failure of the file system, with the path and the system's own reason.
public struct FileError: Error, Equatable, CustomStringConvertible {
  /// What was being done: "write", "read", "create", "rename".
  public let operation: String
  /// The path that it was done to.
  public let path: String
  /// The system's error number.
  public let code: Int32

  /// Makes an error from the current `errno`.
  public init(_ operation: String, path: String, code: Int32 = errno) {
    self.operation = operation
    self.path = path
    self.code = code
  }

  /// Whether the path, or a folder on the way to it, does not exist.
  public var isMissing: Bool { code == ENOENT }

  /// One sentence: what failed, where, why, and what to do.
  public var description: String {
    let reason = String(cString: strerror(code)).lowercased()
    let advice =
      switch code {
      case ENOSPC, EDQUOT: "; free some space and try again"
      case EACCES, EPERM, EROFS: "; choose a place that you may write to"
      case ENOENT: "; check the path"
      default: ""
      }
    return "cannot \(operation) \(path): \(reason)\(advice)"
  }
}

/// Writing and reading of whole files.
public enum AtomicFile {
  /// Writes a file so that its path holds either the old or the new content, whatever happens.
  ///
  /// It is written under a temporary name in the same folder, flushed to the disk, then renamed. A failure leaves the old
  /// file as it was and no new one. A symbolic link to a file is replaced, and the file that it names stays as it is. A
  /// device or pipe, such as `/dev/stdout`, is written to.
  ///
  /// - Throws: `FileError`.
  public static func write(_ data: Data, to path: String) throws(FileError) {
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
      // There is no renaming over a folder, and nobody wants a device replaced by a file.
      return try writeAndFlush(data, to: path)
    }
    let temporary = "\(path).partial-\(getpid())"
    do throws(FileError) {
      try writeAndFlush(data, to: temporary)
      guard rename(temporary, path) == 0 else { throw FileError("write", path: path) }
    } catch {
      unlink(temporary)
      throw FileError("write", path: path, code: error.code)
    }
  }

  /// Writes a file under its own name and waits until the bytes are on the disk.
  ///
  /// - Throws: `FileError`; the file may then be incomplete.
  public static func writeAndFlush(_ data: Data, to path: String) throws(FileError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw FileError("write", path: path) }
    var failure: FileError?
    data.withUnsafeBytes { bytes in
      var written = 0
      while written < bytes.count, failure == nil {
        let count = Foundation.write(descriptor, bytes.baseAddress?.advanced(by: written), bytes.count - written)
        if count >= 0 {
          written += count
        } else if errno != EINTR {
          failure = FileError("write", path: path)
        }
      }
    }
    // Pipes and devices cannot be flushed; that is no failure.
    if failure == nil, fsync(descriptor) != 0, errno != EINVAL, errno != EROFS {
      failure = FileError("write", path: path)
    }
    if close(descriptor) != 0, failure == nil { failure = FileError("write", path: path) }
    if let failure { throw failure }
  }

  /// Flushes a folder's entries to the disk, so that a rename in it outlives a power cut.
  public static func flushFolder(_ path: String) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    _ = fsync(descriptor)
    close(descriptor)
  }

  /// Renames a file or folder, replacing a file at the destination.
  ///
  /// - Throws: `FileError`.
  public static func move(_ source: String, to destination: String) throws(FileError) {
    guard rename(source, destination) == 0 else { throw FileError("rename", path: destination) }
  }

  /// Reads a whole file.
  ///
  /// - Throws: `FileError`, also for a folder.
  public static func read(_ path: String) throws(FileError) -> Data {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError("read", path: path) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileError("read", path: path) }
    guard status.st_mode & S_IFMT != S_IFDIR else { throw FileError("read", path: path, code: EISDIR) }
    var data = Data(count: Int(status.st_size))
    var filled = 0
    while true {
      if filled == data.count { data.count += 1 << 16 }
      let room = data.count - filled
      let count = data.withUnsafeMutableBytes { bytes in
        Foundation.read(descriptor, bytes.baseAddress?.advanced(by: filled), room)
      }
      if count == 0 { break }
      if count > 0 {
        filled += count
      } else if errno != EINTR {
        throw FileError("read", path: path)
      }
    }
    data.count = filled
    return data
  }

  /// Creates a folder and those on the way to it, unless they exist.
  ///
  /// - Throws: `FileError`.
  public static func createFolder(_ path: String) throws(FileError) {
    // The folder of a file name without one is the current folder.
    if path.isEmpty { return }
    var partial = path.hasPrefix("/") ? "/" : ""
    for component in path.split(separator: "/") {
      partial += component
      if mkdir(partial, 0o755) != 0, errno != EEXIST { throw FileError("create", path: path) }
      partial += "/"
    }
    var status = stat()
    guard stat(path, &status) == 0 else { throw FileError("create", path: path) }
    guard status.st_mode & S_IFMT == S_IFDIR else { throw FileError("create", path: path, code: ENOTDIR) }
  }
}
