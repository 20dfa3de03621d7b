public import Files
internal import Foundation
internal import Torch

extension Dataset {
  /// Reads the PNG files of a folder in the order of their names; those of its subfolders, if it has none of its own, with
  /// a class for each subfolder.
  ///
  /// The extension may be in capitals; hidden files are left out. If any picture has colour, all become RGB. Transparency
  /// is laid over white. A file `dataset.json` in the folder gives the labels instead, as in the datasets of Karras et al.
  /// (2022).
  ///
  /// - Throws: `DataError` if there is no picture, one is damaged, or the sizes differ.
  public init(contentsOfPNGFolder path: String) throws(DataError) {
    try self.init(PictureReader(PNGFolder(path)), loading: .memory)
  }
}

/// The PNG files directly in a folder and in its subfolders.
struct PNGFolder: PictureFiles {
  let path: String
  let names: [String]
  private(set) var leftOut = LeftOut()
  private let hasLabelFile: Bool

  init(_ path: String) throws(DataError) {
    self.path = path
    let (pictures, folders, others) = try Self.content(path, &leftOut)
    hasLabelFile = others.contains("dataset.json")
    leftOut.others += others.count - (hasLabelFile ? 1 : 0)
    var names = pictures
    for folder in folders {
      let content = try Self.content(Self.join(path, folder), &leftOut)
      names += content.pictures.map { "\(folder)/\($0)" }
      leftOut.folders += content.folders.count
      leftOut.others += content.others.count
    }
    self.names = names
  }

  func place(of name: String) -> String { Self.join(path, name) }

  func start(of name: String, limit: Int) throws(DataError) -> [UInt8] {
    try RandomAccessBytes(path: place(of: name)).prefix(limit)
  }

  func content(of name: String, limit: Int) throws(DataError) -> Data { try readFile(place(of: name), limit: limit) }

  func labelFile(limit: Int) throws(DataError) -> Data? {
    hasLabelFile ? try readFile(place(of: "dataset.json"), limit: limit) : nil
  }

  private static func join(_ path: String, _ name: String) -> String {
    path.hasSuffix("/") ? path + name : path + "/" + name
  }

  /// The names of the PNG files, of the folders and of the other files directly in a folder, each sorted; hidden files
  /// are only counted.
  private static func content(
    _ path: String, _ leftOut: inout LeftOut
  ) throws(DataError) -> (pictures: [String], folders: [String], others: [String]) {
    var (pictures, folders, others): ([String], [String], [String]) = ([], [], [])
    for name in try files({ () throws(FileError) in try FilePath.names(in: path) }) {
      if name.hasPrefix(".") {
        leftOut.hidden += 1
      } else if try files({ () throws(FileError) in try FilePath.isFolder(join(path, name)) }) {
        folders.append(name)
      } else if isPictureName(name) {
        pictures.append(name)
      } else {
        others.append(name)
      }
    }
    return (pictures, folders, others)
  }
}

/// A single PNG file.
struct PNGFile: PictureFiles {
  let bytes: RandomAccessBytes

  var path: String { bytes.path }
  var names: [String] { ["image.png"] }
  var leftOut: LeftOut { LeftOut() }
  func place(of name: String) -> String { path }
  func start(of name: String, limit: Int) throws(DataError) -> [UInt8] { try bytes.prefix(limit) }
  func content(of name: String, limit: Int) throws(DataError) -> Data { try bytes.content(limit: limit) }
  func labelFile(limit: Int) -> Data? { nil }
}
