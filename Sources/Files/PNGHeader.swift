/// The beginning of a PNG file: its signature, and the size of the picture (*Portable Network Graphics*, third edition, W3C
/// 2025, sections 5.2 and 11.2.1).
package struct PNGHeader {
  /// The first eight bytes of every PNG file.
  package static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
  /// The number of bytes that are looked at.
  package static let length = 26
  /// The largest number of pixels that is read.
  package static let pixelLimit = 1 << 28

  /// The pixels of a row.
  package let width: Int
  /// The number of rows.
  package let height: Int
  /// Whether the picture is grey, with or without transparency.
  package let isGrey: Bool

  /// Reads the first bytes of a file; `nil` for another kind of file, and for a picture without pixels or with more than
  /// `pixelLimit`.
  package init?(_ start: some Collection<UInt8>) {
    let bytes = Array(start.prefix(Self.length))
    let chunk: [UInt8] = [0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]
    guard bytes.count == Self.length, bytes.starts(with: Self.signature + chunk) else { return nil }
    func number(_ offset: Int) -> Int { bytes[offset..<(offset + 4)].reduce(0) { $0 << 8 | Int($1) } }
    (width, height, isGrey) = (number(16), number(20), bytes[25] == 0 || bytes[25] == 4)
    guard (1...Self.pixelLimit).contains(width), (1...Self.pixelLimit).contains(height),
      width * height <= Self.pixelLimit
    else { return nil }
  }
}
