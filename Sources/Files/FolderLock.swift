import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Keeps other processes that ask for the same lock out of a folder, until it is released or the process ends.
///
/// The folder itself is locked: there is no file that could be removed to admit another process.
public final class FolderLock: Sendable {
  private let descriptor: Int32
  private let created: [String]

  private init(_ descriptor: Int32, created: [String]) {
    self.descriptor = descriptor
    self.created = created
  }

  /// Locks a folder, which is created with those on the way to it.
  ///
  /// A file system without locks is no reason not to work in a folder: it then counts as locked.
  ///
  /// - Returns: `nil` if another process holds the lock.
  /// - Throws: `FileError`.
  public static func take(_ path: String) throws(FileError) -> FolderLock? {
    while true {
      let created = try AtomicFile.createFolder(path)
      let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      guard descriptor >= 0 else {
        // Another process that had created it may have given it up.
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

  /// Removes the folders that were created for the lock, as far as nothing was put into them.
  public func removeCreatedFolders() {
    for folder in created.reversed() { rmdir(folder) }
  }

  deinit { close(descriptor) }
}
