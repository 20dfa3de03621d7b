internal import Files
internal import Foundation
internal import Imaging

/// PNG files in a folder or in a ZIP file, in the order of their names.
struct PictureReader: ExampleReader {
  let path: String
  let shape: [Int]
  let labels: [Int]?
  let classNames: [String]?
  private let files: any PictureFiles
  private let names: [String]
  let leftOut: String?

  var count: Int { names.count }
  var isImages: Bool { true }

  /// Finds the pictures and checks by their headers that all have the same size.
  ///
  /// The pictures are the files directly in the folder, or else the files in its subfolders. Labels come from a file
  /// `dataset.json` in the folder, as of the datasets of Karras et al. (2022), if there is one; else each subfolder is
  /// a class. If any picture has colour, all become RGB.
  ///
  /// - Throws: `DataError` if there is no picture, one is damaged, or the sizes differ.
  init(_ files: any PictureFiles) throws(DataError) {
    path = files.path
    self.files = files
    let listed = try files.labels()
    var names = files.names.filter { !$0.contains("/") }
    let nested = files.names.filter { $0.contains("/") }
    if listed != nil {
      names += nested
    } else if let other = nested.first, !names.isEmpty {
      throw DataError(
        malformed: path,
        "it has PNG files of its own and in \(Self.folder(of: other)); put all of them into "
          + "subfolders, one for each class, or none")
    } else if names.isEmpty {
      names = nested
    }
    var leftOut = files.leftOut
    guard let first = names.first else {
      let others = leftOut.description.map { ", but \($0)" } ?? ""
      throw DataError(malformed: path, "there are no PNG files in it or in its subfolders\(others)")
    }
    if let listed {
      let present = Set(names)
      leftOut.labels = listed.keys.count { !present.contains($0) }
    }
    self.leftOut = leftOut.description
    self.names = names
    if let listed {
      var labels: [Int] = []
      for name in names {
        guard let label = listed[name] else {
          throw DataError(malformed: path, "dataset.json has no label for \(name)")
        }
        labels.append(label)
      }
      (self.labels, classNames) = (labels, nil)
    } else if nested.isEmpty {
      (labels, classNames) = (nil, nil)
    } else {
      let classes = Set(names.map(Self.folder)).sorted()
      let numbers = Dictionary(uniqueKeysWithValues: zip(classes, 0...))
      labels = names.map { numbers[Self.folder(of: $0)] ?? 0 }
      classNames = classes
    }
    var channels = 1
    var size: (width: Int, height: Int)?
    for name in names {
      let header = try files.header(of: name)
      let expected = size ?? (header.width, header.height)
      guard (header.width, header.height) == expected else {
        throw DataError(
          malformed: files.place(of: name),
          "expected \(expected.width) × \(expected.height) pixels, as in \(files.place(of: first)), found "
            + "\(header.width) × \(header.height)")
      }
      size = expected
      channels = max(channels, header.channels)
    }
    shape = [channels, size?.height ?? 0, size?.width ?? 0]
  }

  func read(_ positions: [Int], into buffer: UnsafeMutableRawBufferPointer) throws(DataError) {
    let layout = PictureLayout(shape: shape, isInterleaved: true)
    let limit = Image.largestFile(width: shape[2], height: shape[1])
    for (index, position) in positions.enumerated() {
      let name = names[position]
      let image = try files.image(name, limit: limit)
      guard [image.height, image.width] == Array(shape.dropFirst()), image.channels <= shape[0] else {
        throw DataError(malformed: files.place(of: name), "it changed while the data were being read")
      }
      layout.writePlanes(
        of: shape[0] == 1 ? image.pixels : image.rgb().pixels,
        to: UnsafeMutableRawBufferPointer(rebasing: buffer[(index * exampleSize)..<((index + 1) * exampleSize)]))
    }
  }

  private static func folder(of name: String) -> String { String(name.prefix { $0 != "/" }) }
}

/// A place with PNG files, whose sorted names are paths with at most one folder.
protocol PictureFiles: Sendable {
  /// The folder or the ZIP file.
  var path: String { get }
  /// The names of the PNG files.
  var names: [String] { get }
  /// Counts of what else was found.
  var leftOut: LeftOut { get }
  /// The name of a file in errors.
  func place(of name: String) -> String
  /// The first bytes of a file.
  func start(of name: String, limit: Int) throws(DataError) -> [UInt8]
  /// All bytes of a file; an error if there are more than `limit`.
  func content(of name: String, limit: Int) throws(DataError) -> Data
  /// The content of `dataset.json`, if there is one; an error if it is longer than a limit.
  func labelFile(limit: Int) throws(DataError) -> Data?
}

extension PictureFiles {
  /// A picture of at most `limit` bytes.
  func image(_ name: String, limit: Int) throws(DataError) -> Image {
    let data = try content(of: name, limit: limit)
    do {
      return try Image(pngData: data, path: place(of: name))
    } catch {
      throw DataError(error, path: place(of: name))
    }
  }

  /// The size of a picture, and 1 channel for grey or 3 for colour.
  func header(of name: String) throws(DataError) -> (width: Int, height: Int, channels: Int) {
    guard let header = PNGHeader(try start(of: name, limit: PNGHeader.length)) else {
      // Decoding the whole picture gives the best error.
      let image = try image(name, limit: Image.largestFile(width: 1, height: 1))
      return (image.width, image.height, image.channels)
    }
    return (header.width, header.height, header.isGrey ? 1 : 3)
  }

  /// The labels in `dataset.json`: `{"labels": [["00000/img00000000.png", 6], …]}`, or `null` for none.
  func labels() throws(DataError) -> [String: Int]? {
    guard let data = try labelFile(limit: 1 << 28) else { return nil }
    let place = place(of: "dataset.json")
    let file: LabelList
    do {
      file = try JSONDecoder().decode(LabelList.self, from: data)
    } catch {
      throw DataError(malformed: place, "expected {\"labels\": [[\"name.png\", 3], …]} with whole numbers as labels")
    }
    guard let entries = file.labels else { return nil }
    if let entry = entries.first(where: { !(0..<1_000_000).contains($0.label) }) {
      throw DataError(malformed: place, "expected labels from 0 to 999999, found \(entry.label) for \(entry.name)")
    }
    return Dictionary(entries.map { ($0.name, $0.label) }) { $1 }
  }
}

/// The content of `dataset.json`.
private struct LabelList: Decodable {
  struct Entry: Decodable {
    let name: String
    let label: Int

    init(from decoder: any Decoder) throws {
      var container = try decoder.unkeyedContainer()
      name = try container.decode(String.self)
      label = try container.decode(Int.self)
    }
  }

  let labels: [Entry]?
}

/// Whether a name belongs to a PNG file that is not hidden.
func isPictureName(_ name: some StringProtocol) -> Bool {
  let last = name.split(separator: "/").last ?? ""
  return last.lowercased().hasSuffix(".png") && !last.hasPrefix(".")
}
