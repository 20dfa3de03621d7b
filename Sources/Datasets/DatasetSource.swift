public import Files
package import Foundation

extension Dataset {
  /// Reads examples from the content of a file; streams them if the format allows it.
  ///
  /// - Throws: as `DatasetSource.load`.
  package init(content: Data, path: String) throws(DataError) {
    try self.init(DatasetSource.reader(RandomAccessBytes(content, path: path)), loading: .stream)
  }
}

/// The source of data, as named on a command line.
public enum DatasetSource: Equatable, Sendable, CustomStringConvertible {
  /// The bundled digits.
  case digits
  /// Points drawn from a distribution.
  case points(PointDistribution)
  /// A file or folder.
  case path(String)

  /// The names that stand for data without files.
  public static let builtInNames = ["digits"] + PointDistribution.allCases.map(\.rawValue)

  /// Parses a built-in name, or else a path; `./digits` means a file, although `digits` is a built-in name.
  public init(_ text: String) {
    if text == "digits" {
      self = .digits
    } else if let kind = PointDistribution(rawValue: text) {
      self = .points(kind)
    } else {
      self = .path(text)
    }
  }

  /// The name or path.
  public var description: String {
    switch self {
    case .digits: "digits"
    case .points(let kind): kind.rawValue
    case .path(let path): path
    }
  }

  /// Reads or draws the data.
  ///
  /// A folder is read as PNG files, and a PNG file as one picture. A file is recognised by its content: IDX, plain or
  /// gzipped, an array in NumPy's format (`.npy`), a ZIP file of PNG files or of arrays (`.npz`), or CIFAR-10's binary
  /// format, which is also assumed for the extension `.bin`.
  ///
  /// - Parameters:
  ///   - labels: the path of an IDX file or a `.npy` array with the labels of IDX pictures or of a `.npy` array.
  ///   - seed: the seed of points.
  ///   - loading: whether examples of files are kept in memory or streamed.
  /// - Throws: `DataError`.
  public func load(
    labels: String? = nil, seed: UInt64 = 0, loading: Dataset.Loading = .automatic
  ) throws(DataError) -> Dataset {
    switch self {
    case .digits:
      try refuse(labels)
      return try Dataset.digits()
    case .points(let kind):
      try refuse(labels)
      return Dataset.points(kind, seed: seed)
    case .path(let path):
      return try Dataset(reader(path, labels: labels), loading: loading)
    }
  }

  /// Finds out what a file or folder holds.
  private func reader(_ path: String, labels: String?) throws(DataError) -> any ExampleReader {
    guard try files({ () throws(FileError) in try FilePath.exists(path) }) else {
      throw DataError(
        .missing, path: path,
        "“\(path)” is neither built-in data (\(DatasetSource.builtInNames.joined(separator: ", "))) nor an existing file or folder"
      )
    }
    if try files({ () throws(FileError) in try FilePath.isFolder(path) }) {
      try refuse(labels)
      return try PictureReader(PNGFolder(path))
    }
    return try Self.reader(RandomAccessBytes(path: path), labels: labels) { () throws(DataError) in try refuse(labels) }
  }

  /// Finds out what a file holds.
  static func reader(
    _ bytes: RandomAccessBytes, labels: String? = nil, refuseLabels: () throws(DataError) -> Void = {}
  ) throws(DataError) -> any ExampleReader {
    let start = try bytes.prefix(6)
    if NPYHeader.recognizes(start) {
      var reader = try ArrayReader(bytes)
      if let labels { reader.labels = try LabelFile.read(labels, for: reader) }
      return reader
    }
    if ZIPArchive.recognizes(start) {
      try refuseLabels()
      let archive = try ZIPArchive(bytes)
      return NPZFile.recognizes(archive) ? try NPZFile.reader(archive) : try PictureReader(PNGArchive(archive))
    }
    if start.starts(with: PNGHeader.signature.prefix(4)) {
      try refuseLabels()
      return try PictureReader(PNGFile(bytes: bytes))
    }
    let isIDX = Gzip.recognizes(start) || IDXFile.recognizes(start)
    if bytes.path.lowercased().hasSuffix(".bin") || !isIDX && bytes.count > 0 && bytes.count % Dataset.cifarRecord == 0
    {
      try refuseLabels()
      return try RecordReader(cifar: bytes)
    }
    guard isIDX else {
      throw DataError(
        malformed: bytes.path,
        "it is none of the known kinds: IDX (plain or .gz), .npy, .npz, CIFAR-10 (.bin), a PNG file, a folder or a .zip of them"
      )
    }
    var reader = try IDXFile(bytes).reader()
    if let labels { reader.labels = try LabelFile.read(labels, for: reader) }
    return reader
  }

  /// Refuses a label file, which is allowed only with IDX pictures and `.npy` arrays.
  private func refuse(_ labels: String?) throws(DataError) {
    if let labels {
      throw DataError(
        malformed: labels,
        "labels from a file go with IDX pictures or a .npy array, and \(self) is something else; leave them out")
    }
  }
}
