internal import CFiles
public import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Functions that write, read, move and flush whole files.
public enum AtomicFile {
  /// Writes a file so that its path holds either the old or the new content, whatever happens.
  ///
  /// The file is written under a temporary name in the same folder, flushed to the disk, then renamed. After a failure
  /// the old file is unchanged and there is no new file. A symbolic link to a file is replaced; the file that it points
  /// to does not change. A device or pipe, such as `/dev/stdout`, is written to directly.
  ///
  /// - Throws: `FileError`.
  public static func write(_ data: Data, to path: String) throws(FileError) {
    var status = stat()
    if stat(path, &status) == 0,
      status.st_mode & S_IFMT != S_IFREG || ["/dev/", "/proc/"].contains(where: path.hasPrefix)
    {
      // A folder cannot be replaced by renaming, and a device, or `/dev/stdout`, must not be replaced by a file.
      return try writeAndFlush(data, to: path)
    }
    let temporary = temporaryPath(for: path)
    do throws(FileError) {
      try writeAndFlush(data, to: temporary)
      guard rename(temporary, path) == 0 else { throw FileError("write", path: path) }
      try flushFolder(FilePath.folder(of: path))
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
    if failure == nil, fsync(descriptor) != 0, !isUnflushable(errno) {
      failure = FileError("write", path: path)
    }
    if close(descriptor) != 0, failure == nil { failure = FileError("write", path: path) }
    if let failure { throw failure }
  }

  /// Flushes a folder's entries to the disk, so that a rename in it survives a power cut.
  ///
  /// - Throws: `FileError`; no error if the folder may not be read, or if the file system does not flush folders.
  public static func flushFolder(_ path: String) throws(FileError) { try flush(path, O_DIRECTORY) }

  /// Flushes a file that was appended to.
  ///
  /// - Throws: `FileError`; no error if the file does not exist.
  public static func flush(_ path: String) throws(FileError) {
    do throws(FileError) { try flush(path, 0) } catch { if !error.isMissing { throw error } }
  }

  private static func flush(_ path: String, _ flags: Int32) throws(FileError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | flags)
    guard descriptor >= 0 else {
      if errno == EACCES { return }
      throw FileError("write", path: path)
    }
    defer { close(descriptor) }
    if fsync(descriptor) != 0, !isUnflushable(errno) { throw FileError("write", path: path) }
  }

  /// Whether an error of `fsync` means that there is nothing to flush, as for pipes and devices.
  private static func isUnflushable(_ code: Int32) -> Bool { code == EINVAL || code == EROFS || code == ENOTSUP }

  /// Exchanges the files or folders at two paths atomically: neither path is missing at any time.
  ///
  /// - Returns: `false` if the file system cannot exchange; nothing has changed then.
  /// - Throws: `FileError`.
  public static func exchange(_ one: String, _ other: String) throws(FileError) -> Bool {
    if cfiles_exchange(one, other) == 0 { return true }
    if [ENOSYS, EINVAL, ENOTSUP].contains(errno) { return false }
    throw FileError("rename", path: other)
  }

  /// The temporary path under which this process writes a file or a folder before it is renamed.
  public static func temporaryPath(for path: String) -> String { "\(path).partial-\(getpid())" }

  /// Removes files and folders with temporary names that processes left in a folder when they ended early.
  ///
  /// Call it before this process writes in the folder. If the folder cannot be listed, nothing happens.
  public static func removeAbandoned(in folder: String) {
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
      guard let range = name.range(of: ".partial-", options: .backwards),
        let process = Int32(name[range.upperBound...].prefix { $0.isASCII && $0.isNumber })
      else { continue }
      // This process has not written here yet, so its number belonged to an earlier process.
      if process == getpid() || kill(process, 0) != 0 && errno == ESRCH {
        try? FileManager.default.removeItem(atPath: "\(folder)/\(name)")
      }
    }
  }

  /// Renames a file or folder, replacing a file at the destination.
  ///
  /// - Throws: `FileError`.
  public static func move(_ source: String, to destination: String) throws(FileError) {
    guard rename(source, destination) == 0 else { throw FileError("rename", path: destination) }
  }

  /// Reads a whole file.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - limit: the largest size in bytes; a larger file is refused unread.
  /// - Throws: `FileError`, also if the path is not a regular file.
  public static func read(_ path: String, limit: Int = .max) throws(FileError) -> Data {
    try InputFile(path).contents(limit: limit)
  }

  /// Creates a folder and its missing parents, and flushes the folders in which they were created.
  ///
  /// - Returns: the created folders, the outermost first.
  /// - Throws: `FileError`.
  @discardableResult
  public static func createFolder(_ path: String) throws(FileError) -> [String] {
    // An empty path stands for the current folder, which exists.
    if path.isEmpty { return [] }
    var created: [String] = []
    var partial = path.hasPrefix("/") ? "/" : ""
    for component in path.split(separator: "/") {
      partial += component
      if mkdir(partial, 0o755) == 0 {
        created.append(partial)
        try flushFolder(FilePath.folder(of: partial))
      } else if errno != EEXIST {
        throw FileError("create", path: path)
      }
      partial += "/"
    }
    var status = stat()
    guard stat(path, &status) == 0 else { throw FileError("create", path: path) }
    guard status.st_mode & S_IFMT == S_IFDIR else { throw FileError("create", path: path, code: ENOTDIR) }
    return created
  }
}
