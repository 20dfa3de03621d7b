import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A lock of a folder against other processes that take the same lock; it ends with this object or with the process.
///
/// The folder itself is locked. A lock file could be removed, and a second process would get in.
public final class FolderLock: Sendable {
  private let descriptor: Int32
  private let created: [String]

  private init(_ descriptor: Int32, created: [String]) {
    self.descriptor = descriptor
    self.created = created
  }

  /// Locks a folder; the folder and its parents are created if they are missing.
  ///
  /// On a file system without locks, the folder counts as locked by this process.
  ///
  /// - Returns: `nil` if another process holds the lock.
  /// - Throws: `FileError`.
  public static func take(_ path: String) throws(FileError) -> FolderLock? {
    while true {
      let created = try AtomicFile.createFolder(path)
      let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      guard descriptor >= 0 else {
        // Another process may have created the folder and removed it again.
        if errno == ENOENT { continue }
        throw FileError("read", path: path)
      }
      let lock = FolderLock(descriptor, created: created)
      if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK { return nil }
      var (mine, present) = (stat(), stat())
      guard fstat(descriptor, &mine) == 0 else { throw FileError("read", path: path) }
      if stat(path, &present) == 0, present.st_ino == mine.st_ino, present.st_dev == mine.st_dev { return lock }
    }
  }

  /// Removes the folders that were created for the lock, if they are empty.
  public func removeCreatedFolders() {
    for folder in created.reversed() { rmdir(folder) }
  }

  deinit { close(descriptor) }
}
