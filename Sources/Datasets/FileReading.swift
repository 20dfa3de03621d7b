internal import FileSupport
internal import Foundation

/// Reads a regular file.
func readFile(_ path: String) throws(DataError) -> Data {
  let type =
    try? FileManager.default.attributesOfItem(
      atPath: URL(fileURLWithPath: path).resolvingSymlinksInPath().path)[.type] as? FileAttributeType
  // Reading a device or a pipe might never end.
  if let type, type != .typeRegular, type != .typeDirectory {
    throw DataError(.unreadable, path: path, "cannot read \(path): it is neither a file nor a folder")
  }
  do {
    return try AtomicFile.read(path)
  } catch {
    throw DataError(error)
  }
}

/// The last part of a path.
func lastComponent(of path: String) -> String { URL(fileURLWithPath: path).lastPathComponent }
