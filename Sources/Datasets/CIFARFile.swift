internal import Foundation
internal import Torch

extension Dataset {
  /// The bytes of a record of CIFAR-10's binary format: a label, then 1,024 red, green and blue values each.
  static let cifarRecord = 1 + 3 * 32 * 32

  /// Reads pictures of 32 × 32 pixels and their labels 0 … 9 from a file in CIFAR-10's binary format.
  ///
  /// Krizhevsky (2009), *Learning multiple layers of features from tiny images*.
  ///
  /// - Throws: `DataError` unless the file consists of whole records with labels 0 … 9.
  public init(contentsOfCIFAR10 path: String) throws(DataError) {
    try self.init(cifar: path, data: readFile(path))
  }

  init(cifar path: String, data: Data) throws(DataError) {
    let record = Dataset.cifarRecord
    guard !data.isEmpty, data.count % record == 0 else {
      throw DataError(
        malformed: path,
        "expected CIFAR-10 records of \(record) bytes, found \(data.count) bytes, which are "
          + (data.isEmpty ? "none" : "\(data.count / record) records and \(data.count % record) bytes more"))
    }
    let labels = stride(from: data.startIndex, to: data.endIndex, by: record).map { Int(data[$0]) }
    if let index = labels.firstIndex(where: { $0 > 9 }) {
      throw DataError(
        malformed: path, "expected CIFAR-10 labels from 0 to 9, found \(labels[index]) in record \(index)")
    }
    let records = data.withUnsafeBytes { Tensor(bytes: $0, dtype: .uint8, shape: [labels.count, record]) }
    self.init(
      name: lastComponent(of: path),
      examples: records[.all, .from(1)].reshaped(labels.count, 3, 32, 32).contiguous(), labels: Tensor(labels))
  }
}
