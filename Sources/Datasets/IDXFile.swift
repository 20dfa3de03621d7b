internal import Foundation
internal import Torch

/// An array of unsigned bytes in the IDX format of the MNIST files, plain or gzipped.
///
/// Two zero bytes, the element type (8 for unsigned bytes), the rank, the lengths as big-endian 32-bit numbers, then the
/// elements in row-major order.
struct IDXFile {
  /// The array.
  let tensor: Tensor

  /// Whether bytes begin as an IDX file of any type does.
  static func recognizes(_ data: some Collection<UInt8>) -> Bool {
    let start = Array(data.prefix(4))
    return start.count == 4 && start[0] == 0 && start[1] == 0 && (8...14).contains(start[2]) && start[3] > 0
  }

  /// Reads a file; of gzip data no more than the header announces is decompressed.
  ///
  /// - Throws: `DataError` unless the file is exactly as long as its header says.
  init(path: String, data: Data) throws(DataError) {
    let isGzip = Gzip.recognizes(data)
    let head = isGzip ? try Gzip.decompress(data, path: path, limit: 20) : Array(data.prefix(20))
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
    let offset = 4 + 4 * rank
    guard head.count >= offset else {
      throw DataError(malformed: path, "the header ends early: expected \(offset) bytes, found \(head.count)")
    }
    let shape = (0..<rank).map { dimension in
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
    let content = isGzip ? try Gzip.decompress(data, path: path, limit: expected + 1) : Array(data)
    guard content.count == expected else {
      let found = isGzip && content.count > expected ? "more" : "\(content.count)"
      throw DataError(
        malformed: path, "the header announces \(text) elements, so expected \(expected) bytes, found \(found)")
    }
    tensor = content.withUnsafeBytes { bytes in
      Tensor(bytes: UnsafeRawBufferPointer(rebasing: bytes[offset...]), dtype: .uint8, shape: shape)
    }
  }
}

extension Dataset {
  /// Reads pictures, and their labels if a path is given, from IDX files, plain or gzipped.
  ///
  /// Pictures have rank 3, `[count, height, width]`, or rank 4 with 1 or 3 channels in the second or the last place.
  ///
  /// - Throws: `DataError`, with what was expected and found.
  public init(contentsOfIDX path: String, labels labelsPath: String? = nil) throws(DataError) {
    try self.init(idx: path, data: readFile(path), labels: labelsPath)
  }

  init(idx path: String, data: Data, labels labelsPath: String?) throws(DataError) {
    let array = try IDXFile(path: path, data: data).tensor
    let shape = array.shape
    let examples: Tensor
    switch shape.count {
    case 3: examples = array.expandingDimension(at: 1)
    case 4 where shape[1] == 1 || shape[1] == 3: examples = array
    case 4 where shape[3] == 1 || shape[3] == 3: examples = array.permuted(0, 3, 1, 2).contiguous()
    case 1:
      throw DataError(
        malformed: path,
        "expected pictures (3 or 4 dimensions), found labels (1 dimension); give it as the labels instead")
    default:
      throw DataError(
        malformed: path, "expected pictures of 3 dimensions, or 4 with 1 or 3 channels, found the shape \(shape)")
    }
    var labels: Tensor?
    if let labelsPath {
      let array = try IDXFile(path: labelsPath, data: readFile(labelsPath)).tensor
      guard array.rank == 1 else {
        throw DataError(malformed: labelsPath, "expected labels (1 dimension), found the shape \(array.shape)")
      }
      guard array.elementCount == shape[0] else {
        throw DataError(
          malformed: labelsPath,
          "expected \(shape[0]) labels, one for each picture of \(path), found \(array.elementCount)")
      }
      labels = array.to(.int64)
    }
    self.init(name: lastComponent(of: path), examples: examples, labels: labels)
  }
}
