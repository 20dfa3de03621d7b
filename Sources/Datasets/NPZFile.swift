internal import Files
internal import Foundation

/// Several arrays in a ZIP file, as `numpy.savez` writes them.
enum NPZFile {
  /// The accepted names of arrays of examples and labels, in order of preference.
  private static let exampleNames = ["examples", "images", "data", "x_train", "x", "arr_0"]
  private static let labelNames = ["labels", "label", "y_train", "y", "arr_1"]

  /// Whether a ZIP file holds arrays.
  static func recognizes(_ archive: ZIPArchive) -> Bool { archive.members.contains { $0.name.hasSuffix(".npy") } }

  /// Finds the examples and their labels, if there are any.
  ///
  /// Examples have a name of `exampleNames`, or are the only array that is not named like labels. Labels have a name of
  /// `labelNames`.
  ///
  /// - Throws: `DataError`, with the names of the arrays if it is not clear which of them holds examples.
  static func reader(_ archive: ZIPArchive) throws(DataError) -> any ExampleReader {
    let path = archive.bytes.path
    let arrays = archive.members.filter { $0.name.hasSuffix(".npy") }
    func named(_ names: [String]) -> ZIPArchive.Member? {
      names.lazy.compactMap { name in arrays.first { $0.name.lowercased() == "\(name).npy" } }.first
    }
    let others = arrays.filter { member in !labelNames.contains { "\($0).npy" == member.name.lowercased() } }
    guard let examples = named(exampleNames) ?? (others.count == 1 ? others[0] : nil) else {
      let found =
        arrays.prefix(10).map { $0.name.dropLast(4) }.joined(separator: ", ") + (arrays.count > 10 ? ", …" : "")
      throw DataError(
        malformed: path,
        "expected an array called \(exampleNames.joined(separator: ", ")), found \(found); rename the one with the examples"
      )
    }
    var reader = try ArrayReader(try bytes(of: examples, in: archive), isInMemory: true)
    let member = named(labelNames)
    let unread = archive.members.count - (member == nil ? 1 : 2)
    if unread > 0 { reader.leftOut = unread == 1 ? "1 other file" : "\(unread) other files" }
    guard let member else { return reader }
    reader.labels = try LabelFile.labels(in: try bytes(of: member, in: archive), for: reader)
    return reader
  }

  private static func bytes(
    of member: ZIPArchive.Member, in archive: ZIPArchive
  ) throws(DataError) -> RandomAccessBytes {
    RandomAccessBytes(try archive.read(member), path: "\(archive.bytes.path)/\(member.name)")
  }
}

/// Labels in a file of their own.
enum LabelFile {
  /// Reads labels: an IDX file, plain or gzipped, or an array in NumPy's format.
  ///
  /// - Throws: `DataError` unless there are as many as examples.
  static func read(_ path: String, for reader: any ExampleReader) throws(DataError) -> [Int] {
    let bytes = try RandomAccessBytes(path: path)
    if NPYHeader.recognizes(try bytes.prefix(6)) { return try labels(in: bytes, for: reader) }
    let file = try IDXFile(bytes)
    guard file.shape.count == 1 else {
      throw DataError(malformed: path, "expected labels (1 dimension), found the shape \(file.shape)")
    }
    try check(file.shape[0], in: path, for: reader)
    return try file.bytes.read(file.offset..<file.bytes.count).map(Int.init)
  }

  /// Checks, before labels are read, that there are as many labels as examples.
  private static func check(_ count: Int, in path: String, for reader: any ExampleReader) throws(DataError) {
    guard count == reader.count else {
      throw DataError(
        malformed: path, "expected \(reader.count) labels, one for each example of \(reader.path), found \(count)")
    }
    // Once as `Int`s and once in a tensor.
    try requireMemory(16 * count, for: path)
  }

  /// Labels in a NumPy array.
  static func labels(in bytes: RandomAccessBytes, for reader: any ExampleReader) throws(DataError) -> [Int] {
    let header = try NPYHeader(try bytes.prefix(65_548), size: bytes.count, path: bytes.path)
    guard header.shape.count == 1, header.element.isInteger else {
      throw DataError(
        malformed: bytes.path,
        "expected labels, whole numbers of 1 dimension, found \(header.element.rawValue) of shape \(header.shape)")
    }
    try check(header.shape[0], in: bytes.path, for: reader)
    var labels: [Int] = []
    labels.reserveCapacity(header.count)
    try header.forEachPart(of: bytes, 0..<header.count) { (start, values) throws(DataError) in
      if let index = values.firstIndex(where: { !(0..<Double(largest)).contains($0) }) {
        throw DataError(
          malformed: bytes.path,
          "expected labels from 0 to \(largest - 1), found \(values[index]) at position \(start + index)")
      }
      labels += values.lazy.map { Int($0) }
    }
    return labels
  }

  /// Labels from this number on are refused, because they are hardly class labels.
  private static let largest = 1_000_000
}
