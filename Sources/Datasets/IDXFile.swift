public import Files
internal import Foundation

/// An array of unsigned bytes in the IDX format of the MNIST files, plain or gzipped.
///
/// Two zero bytes, the element type (8 for unsigned bytes), the rank, the lengths as big-endian 32-bit numbers, then the
/// elements in row-major order.
struct IDXFile {
  /// The content of the file, decompressed if it was gzipped.
  let bytes: RandomAccessBytes
  /// Whether the file was gzipped, and its content is in memory.
  let isDecompressed: Bool
  /// The lengths.
  let shape: [Int]
  /// Where the elements begin.
  let offset: Int

  /// Whether bytes begin as an IDX file of any type does.
  static func recognizes(_ data: some Collection<UInt8>) -> Bool {
    let start = Array(data.prefix(4))
    return start.count == 4 && start[0] == 0 && start[1] == 0 && (8...14).contains(start[2]) && start[3] > 0
  }

  /// Reads the header of a file; gzip data are decompressed, but no further than the header announces.
  ///
  /// - Throws: `DataError` unless the file is exactly as long as its header says.
  init(_ file: RandomAccessBytes) throws(DataError) {
    let path = file.path
    let isGzip = Gzip.recognizes(try file.prefix(2))
    let head = isGzip ? Array(try Gzip.decompress(file, limit: 20)) : try file.prefix(20)
    guard IDXFile.recognizes(head) else {
      let start = head.prefix(4).map { String(format: "%02x", $0) }.joined(separator: " ")
      throw DataError(
        malformed: path,
        "expected an IDX file, which begins with 00 00 08 and the rank, found \(start.isEmpty ? "nothing" : start)")
    }
    guard head[2] == 8 else {
      throw DataError(
        malformed: path, "expected unsigned bytes (IDX type 08), found IDX type \(String(format: "%02x", head[2]))")
    }
    let rank = Int(head[3])
    guard rank <= 4 else { throw DataError(malformed: path, "expected at most 4 dimensions, found \(rank)") }
    offset = 4 + 4 * rank
    guard head.count >= offset else {
      throw DataError(malformed: path, "the header ends early: expected \(offset) bytes, found \(head.count)")
    }
    shape = (0..<rank).map { dimension in
      head[(4 + 4 * dimension)..<(8 + 4 * dimension)].reduce(0) { $0 << 8 | Int($1) }
    }
    let text = shape.map(String.init).joined(separator: " × ")
    var expected = 1
    for length in shape {
      let product = expected.multipliedReportingOverflow(by: length)
      guard length > 0, !product.overflow, product.partialValue <= 1 << 40 else {
        throw DataError(malformed: path, "the header announces \(text) bytes, which cannot be")
      }
      expected = product.partialValue
    }
    expected += offset
    guard !isGzip || expected <= Gzip.largestContent(of: file.count) else {
      throw DataError(
        malformed: path,
        "the header announces \(text) elements, which \(file.count) bytes of gzip data cannot hold; the file is incomplete"
      )
    }
    // One byte more than announced, so that longer content is detected.
    let content = isGzip ? try Gzip.decompress(file, limit: expected + 1) : Data()
    let found = isGzip ? content.count : file.count
    guard found == expected else {
      throw DataError(
        malformed: path,
        "the header announces \(text) elements, so expected \(expected) bytes, found "
          + (isGzip && found > expected ? "more" : "\(found)"))
    }
    isDecompressed = isGzip
    bytes = isGzip ? RandomAccessBytes(content, path: path) : file
  }

  /// A reader of pictures: rank 3, `[count, height, width]`, or rank 4 with 1 or 3 channels in the second or the last place.
  ///
  /// - Throws: `DataError` for arrays of another shape.
  func reader() throws(DataError) -> RecordReader {
    guard let layout = PictureLayout(array: shape) else {
      throw DataError(
        malformed: bytes.path,
        shape.count == 1
          ? "expected pictures (3 or 4 dimensions), found labels (1 dimension); give it as the labels instead"
          : "expected pictures of 3 dimensions, or 4 with 1 or 3 channels, found the shape \(shape)")
    }
    return RecordReader(bytes, count: shape[0], layout: layout, offset: offset, isInMemory: isDecompressed)
  }
}

extension Dataset {
  /// Reads pictures, and their labels if a path is given, from IDX files, plain or gzipped.
  ///
  /// Pictures have rank 3, `[count, height, width]`, or rank 4 with 1 or 3 channels in the second or the last place.
  ///
  /// - Throws: `DataError`, with what was expected and found.
  public init(contentsOfIDX path: String, labels labelsPath: String? = nil) throws(DataError) {
    var reader = try IDXFile(RandomAccessBytes(path: path)).reader()
    if let labelsPath { reader.labels = try LabelFile.read(labelsPath, for: reader) }
    try self.init(reader, loading: .memory)
  }
}
