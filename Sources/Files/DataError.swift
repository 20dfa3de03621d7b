/// Why data could not be read.
public struct DataError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The kinds of failure that callers distinguish.
  public enum Kind: Sendable {
    /// There is no such file or folder.
    case missing
    /// The file exists, but its content is wrong.
    case malformed
    /// The file exists, but cannot be read.
    case unreadable
    /// There is not enough memory for it.
    case outOfMemory
  }

  /// The kind of failure.
  public let kind: Kind
  /// The file or folder.
  public let path: String
  /// One sentence with the path, and what was expected and found.
  public let description: String

  package init(_ kind: Kind, path: String, _ description: String) {
    self.kind = kind
    self.path = path
    self.description = description
  }

  /// A file whose content is wrong: "cannot read PATH: reason".
  package init(malformed path: String, _ reason: String) {
    self.init(.malformed, path: path, "cannot read \(path): \(reason)")
  }

  package init(_ error: FileError) {
    let kind: Kind = error.isMissing ? .missing : error.isOutOfMemory ? .outOfMemory : .unreadable
    self.init(kind, path: error.path, error.description)
  }
}
