public import Files
internal import Foundation
public import Torch

/// Arrays in NumPy's format.
public enum NPYFile {
  /// Reads an array of numbers that `numpy.save` wrote.
  ///
  /// - Returns: the elements as `float64`, in which whole numbers above 2⁵³ lose their last digits.
  /// - Throws: `DataError` for a file that is damaged, has no elements or holds anything but numbers.
  public static func read(_ path: String) throws(DataError) -> Tensor {
    try tensor(in: RandomAccessBytes(path: path))
  }

  static func tensor(in bytes: RandomAccessBytes) throws(DataError) -> Tensor {
    var (bytes, header) = (bytes, try NPYHeader(try bytes.prefix(65_548), size: bytes.count, path: bytes.path))
    guard header.count > 0 else {
      throw DataError(malformed: bytes.path, "an array of shape \(header.shape) has no elements")
    }
    if header.isFortranOrdered { (bytes, header) = try header.rowMajor(bytes) }
    // For a moment the values exist twice, with 8 bytes each: in an array and in the tensor.
    try requireMemory(16 * header.count, for: bytes.path)
    var values: [Double] = []
    values.reserveCapacity(header.count)
    try header.forEachPart(of: bytes, 0..<header.count) { _, part in values += part }
    return Tensor(values, shape: header.shape)
  }

  /// Writes a tensor of `float32` or `float64` so that `numpy.load` reads it.
  ///
  /// - Throws: `FileError`.
  public static func write(_ tensor: Tensor, to path: String) throws(FileError) {
    let isDouble = tensor.dtype == .float64
    let shape = tensor.shape
    let lengths = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    var header = "{'descr': '\(isDouble ? "<f8" : "<f4")', 'fortran_order': False, 'shape': (\(lengths)), }"
    // Magic, version and length take 10 bytes; the data start at a multiple of 64.
    let padding = (64 - (10 + header.utf8.count + 1) % 64) % 64
    header += String(repeating: " ", count: padding) + "\n"
    var data = Data([0x93] + Array("NUMPY".utf8) + [1, 0])
    withUnsafeBytes(of: UInt16(header.utf8.count).littleEndian) { data.append(contentsOf: $0) }
    data.append(Data(header.utf8))
    if isDouble {
      tensor.elements(as: Double.self).withUnsafeBytes { data.append(contentsOf: $0) }
    } else {
      tensor.elements(as: Float.self).withUnsafeBytes { data.append(contentsOf: $0) }
    }
    try AtomicFile.write(data, to: path)
  }
}
