internal import FileSupport
internal import Foundation

/// Reads a regular file.
func readFile(_ path: String) throws(DataError) -> Data {
  try requireRegularFile(path)
  do {
    return try AtomicFile.read(path)
  } catch {
    throw DataError(error)
  }
}

/// Refuses what is neither a file nor a folder: reading a device or a pipe might never end.
func requireRegularFile(_ path: String) throws(DataError) {
  let type =
    try? FileManager.default.attributesOfItem(
      atPath: URL(fileURLWithPath: path).resolvingSymlinksInPath().path)[.type] as? FileAttributeType
  if let type, type != .typeRegular, type != .typeDirectory {
    throw DataError(.unreadable, path: path, "cannot read \(path): it is neither a file nor a folder")
  }
}

/// The last part of a path.
func lastComponent(of path: String) -> String { URL(fileURLWithPath: path).lastPathComponent }

extension Sequence<UInt8> {
  /// The number that bytes stand for, the lowest first.
  var littleEndian: UInt64 { reversed().reduce(0) { $0 << 8 | UInt64($1) } }
}
