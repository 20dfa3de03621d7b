/// The CRC-32C check sum (Castagnoli's polynomial), which zlib does not have.
package enum CRC32C {
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
  }

  /// The check sum of bytes.
  package static func checkSum(_ bytes: some Sequence<UInt8>) -> UInt32 {
    ~bytes.reduce(~0) { table[Int(($0 ^ UInt32($1)) & 255)] ^ $0 >> 8 }
  }

  /// The check sum as records store it, rotated and shifted by a constant; data that contain their own check sum would
  /// otherwise be a special case.
  package static func masked(_ bytes: some Sequence<UInt8>) -> UInt32 {
    let sum = checkSum(bytes)
    return (sum >> 15 | sum << 17) &+ 0xA282_EAD8
  }
}
