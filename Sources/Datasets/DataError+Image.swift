internal import Files
internal import Imaging

extension DataError {
  /// A picture that could not be read, as one of the data.
  init(_ error: ImageError, path: String) {
    let kind: Kind =
      switch error.kind {
      case .missing: .missing
      case .unreadable, .unwritable: .unreadable
      case .malformed: .malformed
      case .outOfMemory: .outOfMemory
      }
    self.init(kind, path: path, error.description)
  }
}
