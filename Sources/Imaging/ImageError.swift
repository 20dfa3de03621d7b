public import Files

/// Why a picture could not be read or written.
public struct ImageError: Failure, Equatable {
  /// The kind of failure.
  public let kind: FailureKind
  /// The file, if there is one.
  public let path: String?
  /// One sentence with the path and the reason.
  public let description: String

  init(malformed reason: String, path: String?) {
    kind = .data
    self.path = path
    description = "cannot read \(path ?? "the picture"): \(reason)"
  }

  init(memory count: Int, path: String?) {
    kind = .internal
    self.path = path
    description = Memory.lack(of: count, for: path ?? "the picture").description
  }

  init(unwritable reason: String) {
    kind = .inputOutput
    path = nil
    description = "cannot write the picture: \(reason)"
  }

  init(reading error: FileError) {
    kind = error.kind
    path = error.path
    description = error.description
  }

  init(writing error: FileError) {
    kind = .inputOutput
    path = error.path
    description = error.description
  }
}
