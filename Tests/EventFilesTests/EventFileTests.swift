import Foundation
import Testing

@testable import EventFiles

/// A field of a protocol buffer, read by the format's own rules.
private struct Field {
  let number: Int
  let wireType: Int
  /// The number of a varint or of fixed bits, or the bytes.
  let bits: UInt64
  let bytes: Data

  static func all(_ data: Data) -> [Field] {
    var rest = data[...]
    func varint() -> UInt64 {
      var (value, shift) = (UInt64(0), UInt64(0))
      while let byte = rest.popFirst() {
        value |= UInt64(byte & 127) << shift
        shift += 7
        if byte < 128 { break }
      }
      return value
    }
    func fixed(_ count: Int) -> UInt64 {
      defer { rest = rest.dropFirst(count) }
      return rest.prefix(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    var fields: [Field] = []
    while !rest.isEmpty {
      let key = varint()
      let (number, type) = (Int(key >> 3), Int(key & 7))
      switch type {
      case 0: fields.append(Field(number: number, wireType: type, bits: varint(), bytes: Data()))
      case 1: fields.append(Field(number: number, wireType: type, bits: fixed(8), bytes: Data()))
      case 5: fields.append(Field(number: number, wireType: type, bits: fixed(4), bytes: Data()))
      default:
        let length = Int(varint())
        fields.append(Field(number: number, wireType: type, bits: 0, bytes: Data(rest.prefix(length))))
        rest = rest.dropFirst(length)
      }
    }
    return fields
  }
}

@Suite struct EventFileTests {
  private func temporaryFolder(_ body: (String) throws -> Void) throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("events-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
  }

  /// The events of a file.
  ///
  /// `GoldenRecordTests` compares check sums with TensorBoard's; here they are passed over.
  private func events(_ path: String) throws -> [[Field]] {
    var rest = try Data(contentsOf: URL(fileURLWithPath: path))[...]
    func take(_ count: Int) -> Data {
      defer { rest = rest.dropFirst(count) }
      return Data(rest.prefix(count))
    }
    func number(_ data: Data) -> UInt64 { data.reversed().reduce(0) { $0 << 8 | UInt64($1) } }
    var result: [[Field]] = []
    while !rest.isEmpty {
      let length = Int(number(take(8)))
      _ = take(4)
      let body = take(length)
      #expect(body.count == length && take(4).count == 4, "the record is cut off")
      result.append(Field.all(body))
    }
    return result
  }

  @Test func recordsHoldWhatWasAppended() throws {
    try temporaryFolder { folder in
      let file = try EventFile(in: folder, firstStep: 1, time: 5)
      try file.append([("loss", .scalar(0.25)), ("rate", .scalar(2))], step: 300, time: 6.5)
      try file.append(
        [("samples", .image(png: Data([1, 2, 3]), width: 7, height: 9, channels: 3))], step: 301, time: 7)
      let events = try events(file.path)
      #expect(events.count == 3)
      #expect(events[0].first { $0.number == 3 }?.bytes == Data("brain.Event:2".utf8))
      #expect(events[1].first { $0.number == 1 }?.bits == 6.5.bitPattern)
      #expect(events[1].first { $0.number == 2 }?.bits == 300)
      let summary = Field.all(try #require(events[1].first { $0.number == 5 }).bytes)
      let values = summary.map { Field.all($0.bytes) }
      #expect(values.map { String(decoding: $0[0].bytes, as: UTF8.self) } == ["loss", "rate"])
      #expect(values.map { $0[1].bits } == [Float(0.25), 2].map { UInt64($0.bitPattern) })
      let picture = Field.all(try #require(events[2].first { $0.number == 5 }).bytes)
      let image = Field.all(Field.all(picture[0].bytes)[1].bytes)
      #expect(image.prefix(3).map(\.bits) == [9, 7, 3] && image[3].bytes == Data([1, 2, 3]))
    }
  }

  @Test func aLaterFileVoidsWhatIsRepeated() throws {
    try temporaryFolder { folder in
      let first = try EventFile(in: folder, firstStep: 1, time: 5)
      #expect(try events(first.path).count == 1)
      let second = try EventFile(in: folder, firstStep: 41, time: 5)
      #expect(second.path > first.path)
      let session = try events(second.path)[1]
      #expect(session.first { $0.number == 2 }?.bits == 41)
      #expect(Field.all(session.first { $0.number == 7 }?.bytes ?? Data()).first?.bits == 1)
    }
  }
}
