internal import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Checks of memory for sizes that a file announces.
///
/// An array that does not fit into memory ends the process. Its size is therefore checked here first.
public enum Memory {
  /// Checks that the system has that many bytes of memory.
  ///
  /// - Throws: `FileError` with the path if there is less.
  public static func require(_ count: Int, for path: String) throws(FileError) {
    // Smaller sizes are never refused.
    if count < 1 << 20 { return }
    guard count <= Int(clamping: ProcessInfo.processInfo.physicalMemory) else { throw lack(of: count, for: path) }
    // The memory is reserved and released without being touched, which takes microseconds.
    guard let space = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), space != MAP_FAILED
    else { throw lack(of: count, for: path) }
    munmap(space, count)
  }

  /// The error for insufficient memory.
  public static func lack(of count: Int, for path: String) -> FileError {
    FileError(
      "read", path: path, code: ENOMEM, reason: "there is not enough memory for the \(count >> 20) MiB that it needs")
  }
}
