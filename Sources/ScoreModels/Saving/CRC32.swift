internal import CZlib
import Foundation

/// The checksum of zlib and PNG, which detects every change of up to 3 bits and every burst of up to 32.
enum CRC32 {
  /// Eight hexadecimal digits.
  static func hexadecimal(_ data: Data) -> String {
    let value = data.withUnsafeBytes { bytes -> UInt in
      var value = crc32_z(0, nil, 0)
      if let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) {
        value = crc32_z(value, base, z_size_t(bytes.count))
      }
      return UInt(value)
    }
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}
