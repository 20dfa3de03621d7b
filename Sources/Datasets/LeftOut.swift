/// Counts of files and labels that are not read, so that nothing is left out in silence.
struct LeftOut: Sendable {
  /// Files of other kinds.
  var others = 0
  /// Files and folders whose names begin with a dot, and files that macOS adds to archives.
  var hidden = 0
  /// Folders in the subfolders of a folder.
  var folders = 0
  /// Pictures deeper than in one subfolder of an archive.
  var deeper = 0
  /// Members that a later one of the same name replaces.
  var replaced = 0
  /// Labels of `dataset.json` without a picture.
  var labels = 0

  /// The counts in words; `nil` if all are 0.
  var description: String? {
    let parts = [
      (others, "file that is not a PNG", "files that are not PNGs"), (hidden, "hidden file", "hidden files"),
      (folders, "folder in a subfolder", "folders in subfolders"),
      (deeper, "picture in a deeper folder", "pictures in deeper folders"),
      (replaced, "picture with the name of a later one", "pictures with the names of later ones"),
      (labels, "label without a picture", "labels without pictures"),
    ]
    .compactMap { count, one, many in count == 0 ? nil : "\(count) \(count == 1 ? one : many)" }
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }
}
