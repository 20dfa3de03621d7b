import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Paths as the system takes them.
public enum FilePath {
  /// The folder that a path's last part is in: `a` of `a/b`, `/` of `/b`, and `.` of `b`.
  public static func folder(of path: String) -> String {
    let parts = path.split(separator: "/")
    let start = path.hasPrefix("/") ? "/" : ""
    let folder = parts.dropLast().joined(separator: "/")
    return folder.isEmpty && start.isEmpty ? "." : start + folder
  }

  /// The last part of a path: `b` of `a/b` and of `a/b/`.
  public static func lastPart(of path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

  /// Whether a path exists; symbolic links are followed.
  ///
  /// - Throws: `FileError` if the system cannot tell, such as inside a folder without permission.
  public static func exists(_ path: String) throws(FileError) -> Bool { try status(path) != nil }

  /// Whether a path is a folder; symbolic links are followed.
  ///
  /// - Throws: as `exists`.
  public static func isFolder(_ path: String) throws(FileError) -> Bool {
    try status(path).map { $0.st_mode & S_IFMT == S_IFDIR } ?? false
  }

  /// The system's record of a path; `nil` if the path does not exist.
  private static func status(_ path: String) throws(FileError) -> stat? {
    var status = stat()
    if stat(path, &status) == 0 { return status }
    if errno == ENOENT || errno == ENOTDIR { return nil }
    throw FileError("read", path: path)
  }
}
