public import Files

extension Dataset {
  /// The bytes of a record of CIFAR-10's binary format: a label, then 1,024 red, green and blue values each.
  static let cifarRecord = 1 + 3 * 32 * 32

  /// Reads pictures of 32 × 32 pixels and their labels 0 … 9 from a file in CIFAR-10's binary format.
  ///
  /// Krizhevsky (2009), *Learning multiple layers of features from tiny images*.
  ///
  /// - Throws: `DataError` unless the file consists of whole records with labels 0 … 9.
  public init(contentsOfCIFAR10 path: String) throws(DataError) {
    try self.init(RecordReader(cifar: RandomAccessBytes(path: path)), loading: .memory)
  }
}

extension RecordReader {
  /// Opens a file of CIFAR-10 records.
  init(cifar bytes: RandomAccessBytes) throws(DataError) {
    let record = Dataset.cifarRecord
    guard bytes.count > 0, bytes.count % record == 0 else {
      throw DataError(
        malformed: bytes.path,
        "expected CIFAR-10 records of \(record) bytes, found \(bytes.count) bytes, which are "
          + (bytes.count == 0 ? "none" : "\(bytes.count / record) records and \(bytes.count % record) bytes more"))
    }
    var labels: [Int] = []
    for start in Swift.stride(from: 0, to: bytes.count, by: record) {
      labels.append(Int(try bytes.read(start..<(start + 1))[0]))
    }
    if let index = labels.firstIndex(where: { $0 > 9 }) {
      throw DataError(
        malformed: bytes.path, "expected CIFAR-10 labels from 0 to 9, found \(labels[index]) in record \(index)")
    }
    self.init(
      bytes, count: labels.count, layout: PictureLayout(shape: [3, 32, 32], isInterleaved: false), labels: labels,
      offset: 1, stride: record)
  }
}
