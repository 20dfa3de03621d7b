internal import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Memory of sizes that files decide.
///
/// An array that does not fit ends the process. What a file announces is therefore asked for here first.
public enum Memory {
  /// Finds out whether the system has that many bytes.
  ///
  /// - Throws: `FileError` with the path where it has not.
  public static func require(_ count: Int, for path: String) throws(FileError) {
    // Less than this is never refused.
    if count < 1 << 20 { return }
    guard count <= Int(clamping: ProcessInfo.processInfo.physicalMemory) else { throw lack(of: count, for: path) }
    // Reserved and given back without being touched, which costs microseconds.
    guard let space = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), space != MAP_FAILED
    else { throw lack(of: count, for: path) }
    munmap(space, count)
  }

  /// The error of too little memory.
  public static func lack(of count: Int, for path: String) -> FileError {
    FileError(
      "read", path: path, code: ENOMEM, reason: "there is not enough memory for the \(count >> 20) MiB that it needs")
  }
}
