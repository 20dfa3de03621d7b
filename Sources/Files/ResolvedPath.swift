import Foundation

/// A path whose symbolic links were followed once, so that what is read through it is of one folder though a link moves.
///
/// A path that leads through no link keeps its spelling, but for slashes at its end.
///
/// - Throws: `FileError` for what does not exist, links that lead in a circle, and folders that may not be looked into.
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
