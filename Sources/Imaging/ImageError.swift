internal import Files

/// Why a picture could not be read or written.
public struct ImageError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The kinds of failure that callers distinguish.
  public enum Kind: Sendable {
    /// There is no such file.
    case missing
    /// The file exists, but cannot be read.
    case unreadable
    /// The bytes are not a PNG picture, or are damaged.
    case malformed
    /// The picture could not be written.
    case unwritable
    /// There is not enough memory for the picture.
    case outOfMemory
  }

  /// The kind of failure.
  public let kind: Kind
  /// The file, if there is one.
  public let path: String?
  /// One sentence with the path and the reason.
  public let description: String

  init(malformed reason: String, path: String?) {
    kind = .malformed
    self.path = path
    description = "cannot read \(path ?? "the picture"): \(reason)"
  }

  init(memory count: Int, path: String?) {
    kind = .outOfMemory
    self.path = path
    description = Memory.lack(of: count, for: path ?? "the picture").description
  }

  init(unwritable reason: String) {
    kind = .unwritable
    path = nil
    description = "cannot write the picture: \(reason)"
  }

  init(reading error: FileError) {
    kind = error.isMissing ? .missing : error.isOutOfMemory ? .outOfMemory : .unreadable
    path = error.path
    description = error.description
  }

  init(writing error: FileError) {
    kind = .unwritable
    path = error.path
    description = error.description
  }
}
