internal import Files
internal import Torch

extension Dataset {
  /// A checksum of examples and labels, with which a resumed run checks that its data are the same as before.
  ///
  /// It contains shapes, element types and the CRC-32 of all elements, computed in one pass over the data. For streamed
  /// data it covers all labels and 1,024 equally spaced examples.
  ///
  /// - Throws: as `elements(at:)`.
  public var fingerprint: String {
    get throws(DataError) {
      let streamed = isStreamed ? try elements(at: positions(atMost: 1024)) : examples
      return ([streamed] + (labels.map { [$0] } ?? [])).map { part in
        var value: UInt32 = 0
        let count = part.size(0)
        for start in stride(from: 0, to: count, by: 4096) {
          let chunk = part[start..<min(start + 4096, count)]
          switch chunk.dtype {
          case .uint8: value = Self.crc(value, chunk.elements(as: UInt8.self))
          case .int64: value = Self.crc(value, chunk.elements(as: Int64.self))
          default: value = Self.crc(value, chunk.elements(as: Double.self))
          }
        }
        let shape = part.shape.map(String.init).joined(separator: "x")
        return "\(part.dtype) \(shape) \(String(value, radix: 16))"
      }.joined(separator: ", ") + (isStreamed ? " of \(count)" : "")
    }
  }

  private static func crc<Element>(_ value: UInt32, _ elements: [Element]) -> UInt32 {
    elements.withUnsafeBytes { CRC32.checksum($0, after: value) }
  }
}
