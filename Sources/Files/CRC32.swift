internal import CZlib
package import Foundation

/// The checksum of gzip, ZIP and PNG, which detects every change of up to 3 bits and every burst of up to 32.
package enum CRC32 {
  /// The checksum of bytes, or of bytes that follow others whose checksum is given.
  package static func checksum(_ bytes: UnsafeRawBufferPointer, after previous: UInt32 = 0) -> UInt32 {
    guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return previous }
    return UInt32(crc32_z(UInt(previous), base, z_size_t(bytes.count)))
  }

  /// The checksum of data.
  package static func checksum(_ data: Data) -> UInt32 { data.withUnsafeBytes { checksum($0) } }

  /// Eight hexadecimal digits.
  package static func hexadecimal(_ data: Data) -> String {
    let digits = String(checksum(data), radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}
