import Foundation

/// Follows the symbolic links of a path once, so that all files read through the result are of one folder, even if a
/// link changes meanwhile.
///
/// A path without links keeps its spelling, except for slashes at its end.
///
/// - Throws: `FileError` if the path does not exist, links lead in a circle, or a folder may not be searched.
package func resolvedPath(_ path: String) throws(FileError) -> String {
  let resolved = try realPath(path)
  let spelled = path.hasPrefix("/") ? path : "\(try realPath("."))/\(path)"
  var parts: [Substring] = []
  for part in spelled.split(separator: "/") where part != "." {
    if part == ".." { _ = parts.popLast() } else { parts.append(part) }
  }
  guard "/" + parts.joined(separator: "/") == resolved else { return resolved }
  let end = path.lastIndex { $0 != "/" } ?? path.startIndex
  return String(path[...end])
}

private func realPath(_ path: String) throws(FileError) -> String {
  guard let resolved = realpath(path, nil) else { throw FileError("read", path: path) }
  defer { free(resolved) }
  return String(cString: resolved)
}
