internal import Foundation
internal import Imaging
internal import Torch

extension Dataset {
  /// Reads the PNG files of a folder in the order of their names; those of its subfolders, if it has none of its own, with
  /// a class for each subfolder.
  ///
  /// The extension may be in capitals; hidden files are left out. If any picture has colour, all become RGB. Transparency
  /// is laid over white.
  ///
  /// - Throws: `DataError` if there is no picture, one is damaged, or the sizes differ.
  public init(contentsOfPNGFolder path: String) throws(DataError) {
    let content = try FolderContent(path)
    var files = content.pictures.map { (path: $0, label: 0) }
    var classCount = 0
    for folder in content.folders {
      let pictures = try FolderContent(folder).pictures
      if pictures.isEmpty { continue }
      if !content.pictures.isEmpty {
        throw DataError(
          malformed: path,
          "it has PNG files of its own and in \(lastComponent(of: folder)); put all of them into "
            + "subfolders, one for each class, or none")
      }
      files += pictures.map { (path: $0, label: classCount) }
      classCount += 1
    }
    var pictures = PictureStack()
    for file in files { try pictures.append(file.path) }
    guard let examples = pictures.tensor else {
      throw DataError(malformed: path, "there are no PNG files in the folder or in its subfolders")
    }
    self.init(
      name: lastComponent(of: path), examples: examples,
      labels: classCount > 0 ? Tensor(files.map(\.label)) : nil)
  }
}

/// The PNG files and the folders directly in a folder, each sorted by name.
private struct FolderContent {
  var pictures: [String] = []
  var folders: [String] = []

  init(_ path: String) throws(DataError) {
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
    for name in names.sorted() where !name.hasPrefix(".") {
      let file = path.hasSuffix("/") ? path + name : path + "/" + name
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: file, isDirectory: &isFolder) else { continue }
      if isFolder.boolValue {
        folders.append(file)
      } else if name.lowercased().hasSuffix(".png") {
        pictures.append(file)
      }
    }
  }
}

/// The pixels of pictures of one size, grey until the first one with colour.
private struct PictureStack {
  private var first: (path: String, width: Int, height: Int)?
  private var channels = 1
  private var count = 0
  private var pixels: [UInt8] = []

  /// Reads one picture more.
  mutating func append(_ path: String) throws(DataError) {
    let image: Image
    do {
      image = try Image(contentsOfPNG: path)
    } catch {
      throw DataError(error, path: path)
    }
    let size = first ?? (path, image.width, image.height)
    guard (image.width, image.height) == (size.width, size.height) else {
      throw DataError(
        malformed: path,
        "expected \(size.width) × \(size.height) pixels, as in \(size.path), found \(image.width) × \(image.height)")
    }
    first = size
    if image.channels > channels, count > 0 {
      pixels = Image(width: size.width, height: size.height * count, channels: 1, pixels: pixels).rgb().pixels
    }
    channels = max(channels, image.channels)
    pixels += channels == 3 ? image.rgb().pixels : image.pixels
    count += 1
  }

  /// All pictures, as `uint8` of shape `[count, channels, height, width]`; nil without any.
  var tensor: Tensor? {
    guard let first else { return nil }
    return Tensor(pixels, shape: [count, first.height, first.width, channels]).permuted(0, 3, 1, 2).contiguous()
  }
}
