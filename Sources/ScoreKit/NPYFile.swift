import Foundation

/// Arrays in NumPy's format (version 1.0).
public enum NPYFile {
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
