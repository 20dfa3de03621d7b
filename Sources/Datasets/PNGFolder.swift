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

  init(_ path: String) throws(DataError) {
    self.path = path
    let content = try Self.content(path)
    var names = content.pictures
    for folder in content.folders {
      names += try Self.content(Self.join(path, folder)).pictures.map { "\(folder)/\($0)" }
    }
    self.names = names
  }

  func place(of name: String) -> String { Self.join(path, name) }

  func start(of name: String, limit: Int) throws(DataError) -> [UInt8] {
    try RandomAccessBytes(path: place(of: name)).prefix(limit)
  }

  func content(of name: String) throws(DataError) -> Data { try readFile(place(of: name)) }

  func labelFile() throws(DataError) -> Data? {
    let file = place(of: "dataset.json")
    return FileManager.default.fileExists(atPath: file) ? try readFile(file) : nil
  }

  private static func join(_ path: String, _ name: String) -> String {
    path.hasSuffix("/") ? path + name : path + "/" + name
  }

  /// The names of the PNG files and of the folders directly in a folder, each sorted.
  private static func content(_ path: String) throws(DataError) -> (pictures: [String], folders: [String]) {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: path)
    } catch {
      let exists = FileManager.default.fileExists(atPath: path)
      throw DataError(
        exists ? .unreadable : .missing, path: path,
        "cannot read the folder \(path): " + (exists ? "it is not a folder or not readable" : "there is no such folder")
      )
    }
    var (pictures, folders): ([String], [String]) = ([], [])
    for name in names.sorted() where !name.hasPrefix(".") {
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: join(path, name), isDirectory: &isFolder) else { continue }
      if isFolder.boolValue {
        folders.append(name)
      } else if isPictureName(name) {
        pictures.append(name)
      }
    }
    return (pictures, folders)
  }
}

/// A single PNG file.
struct PNGFile: PictureFiles {
  let bytes: RandomAccessBytes

  var path: String { bytes.path }
  var names: [String] { ["image.png"] }
  func place(of name: String) -> String { path }
  func start(of name: String, limit: Int) throws(DataError) -> [UInt8] { try bytes.prefix(limit) }
  func content(of name: String) throws(DataError) -> Data { Data(try bytes.read(0..<bytes.count)) }
  func labelFile() -> Data? { nil }
}

/// The PNG files in a ZIP file; what lies in one folder together with all others is taken as if it lay outside.
struct PNGArchive: PictureFiles {
  let names: [String]
  private let archive: ZIPArchive
  private let members: [String: ZIPArchive.Member]

  init(_ archive: ZIPArchive) {
    self.archive = archive
    // What macOS adds is no data.
    let files = archive.members.filter { !$0.name.hasPrefix("__MACOSX/") }
    var root = ""
    func pictures() -> [String] {
      files.lazy.map(\.name).filter { $0.hasPrefix(root) && isPictureName($0) }.map { String($0.dropFirst(root.count)) }
    }
    // As long as everything lies in one folder with subfolders, go down.
    while case let names = pictures(), let first = names.first, let slash = first.firstIndex(of: "/"),
      case let folder = first[...slash], names.allSatisfy({ $0.hasPrefix(folder) }),
      !files.contains(where: { $0.name == root + "dataset.json" })
    {
      root += folder
    }
    let depth = files.contains { $0.name == root + "dataset.json" } ? Int.max : 2
    names = pictures().filter { $0.split(separator: "/").count <= depth }.sorted()
    members = Dictionary(files.filter { $0.name.hasPrefix(root) }.map { (String($0.name.dropFirst(root.count)), $0) }) {
      $1
    }
  }

  var path: String { archive.bytes.path }
  func place(of name: String) -> String { "\(path)/\(members[name]?.name ?? name)" }

  func start(of name: String, limit: Int) throws(DataError) -> [UInt8] {
    try archive.read(member(name), limit: limit)
  }

  func content(of name: String) throws(DataError) -> Data { Data(try archive.read(member(name))) }

  func labelFile() throws(DataError) -> Data? {
    guard let member = members["dataset.json"] else { return nil }
    return Data(try archive.read(member))
  }

  private func member(_ name: String) throws(DataError) -> ZIPArchive.Member {
    guard let member = members[name] else { throw DataError(malformed: path, "there is no \(name) in it") }
    return member
  }
}
