internal import Foundation

/// Where data come from, as named on a command line.
public enum DatasetSource: Equatable, Sendable, CustomStringConvertible {
  /// The bundled digits.
  case digits
  /// Points drawn from a distribution.
  case points(PointDistribution)
  /// A file or folder.
  case path(String)

  /// The names that stand for data without files.
  public static let builtInNames = ["digits"] + PointDistribution.allCases.map(\.rawValue)

  /// Takes a built-in name, or else a path; `./digits` names a file that is called as built-in data are.
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
  /// A folder is read as PNG files. A file is recognised by its content: IDX, plain or gzipped, or CIFAR-10's binary
  /// format, which the extension `.bin` means too.
  ///
  /// - Parameters:
  ///   - labels: the path of an IDX file with the labels of IDX pictures.
  ///   - seed: the seed of points.
  /// - Throws: `DataError`.
  public func load(labels: String? = nil, seed: UInt64 = 0) throws(DataError) -> Dataset {
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: description, isDirectory: &isFolder)
    switch self {
    case .digits:
      try refuse(labels)
      return try Dataset.digits()
    case .points(let kind):
      try refuse(labels)
      return Dataset.points(kind, seed: seed)
    case .path(let path) where !exists:
      throw DataError(
        .missing, path: path,
        "“\(path)” is neither built-in data (\(DatasetSource.builtInNames.joined(separator: ", "))) nor an existing file or folder"
      )
    case .path(let path) where isFolder.boolValue:
      try refuse(labels)
      return try Dataset(contentsOfPNGFolder: path)
    case .path(let path):
      let data = try readFile(path)
      let isIDX = Gzip.recognizes(data) || IDXFile.recognizes(data)
      if path.lowercased().hasSuffix(".bin") || !isIDX && !data.isEmpty && data.count % Dataset.cifarRecord == 0 {
        try refuse(labels)
        return try Dataset(cifar: path, data: data)
      }
      guard isIDX else {
        throw DataError(
          malformed: path, "it is none of the known kinds: IDX (plain or .gz), CIFAR-10 (.bin), a folder of PNG files")
      }
      return try Dataset(idx: path, data: data, labels: labels)
    }
  }

  /// Labels from a file go with pictures in the IDX format only.
  private func refuse(_ labels: String?) throws(DataError) {
    if let labels {
      throw DataError(
        malformed: labels, "labels from a file go with IDX pictures, and \(self) is something else; leave them out")
    }
  }
}
