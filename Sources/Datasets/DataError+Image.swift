internal import Files
internal import Imaging

extension DataError {
  /// A picture among the data that could not be read.
  init(_ error: ImageError, path: String) { self.init(error.kind, path: path, error.description) }
}
