/// Why data could not be read.
public struct DataError: Failure, Equatable {
  /// The kind of failure.
  public let kind: FailureKind
  /// The file or folder.
  public let path: String
  /// One sentence with the path, and what was expected and found.
  public let description: String

  package init(_ kind: FailureKind, path: String, _ description: String) {
    self.kind = kind
    self.path = path
    self.description = description
  }

  /// A file whose content is wrong: "cannot read PATH: reason".
  package init(malformed path: String, _ reason: String) {
    self.init(.data, path: path, "cannot read \(path): \(reason)")
  }

  package init(_ error: FileError) {
    self.init(error.kind, path: error.path, error.description)
  }
}
