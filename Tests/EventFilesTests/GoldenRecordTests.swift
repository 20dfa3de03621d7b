import Files
import Foundation
import Testing

@testable import EventFiles

/// Check sums and whole records, against numbers from elsewhere.
@Suite struct GoldenRecordTests {
  // What Golden/make_event_records.py prints: records by TensorBoard's own writer.
  private static let version = [
    "1800000000000000a37f4b220900000000000014401a0d627261696e2e4576656e743a32d1534f3e"
  ]
  private static let session = ["0f000000000000006d532b0909000000000000144010293a020801573cb823"]
  private static let scalars = [
    "2800000000000000ff70164a090000000000001a4010ac022a1a0a0b0a046c6f7373150000803e0a0b0a047261746515",
    "00000040f0523fd6",
  ]
  private static let picture = [
    "2600000000000000734fe300090000000000001c4010ad022a180a160a0773616d706c6573220b080910071803220301",
    "020369951fd0",
  ]

  private func hexadecimal(_ path: String) throws -> String {
    try Data(contentsOf: URL(fileURLWithPath: path)).map { String(format: "%02x", $0) }.joined()
  }

  @Test func filesHaveTheBytesOfTensorBoardsOwnWriter() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("events-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let first = try EventFile(in: folder, firstStep: 1, time: 5)
    try first.append([("loss", .scalar(0.25)), ("rate", .scalar(2))], step: 300, time: 6.5)
    try first.append([("samples", .image(png: Data([1, 2, 3]), width: 7, height: 9, channels: 3))], step: 301, time: 7)
    #expect(try hexadecimal(first.path) == (Self.version + Self.scalars + Self.picture).joined())
    let second = try EventFile(in: folder, firstStep: 41, time: 5)
    #expect(try hexadecimal(second.path) == (Self.version + Self.session).joined())
  }

  @Test func checkSumsAreThoseOfCastagnoli() {
    // RFC 3720, appendix B.4: zeros, ones, up, down, and a command that reads. Before them the usual check value.
    let command: [UInt8] = [
      0x01, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 0x04, 0, 0, 0, 0, 0x14, 0, 0, 0, 0x18,
      0x28, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0, 0,
    ]
    #expect(CRC32C.checkSum(Array("123456789".utf8)) == 0xE306_9283)
    #expect(CRC32C.checkSum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(CRC32C.checkSum([UInt8](repeating: 255, count: 32)) == 0x62A8_AB43)
    #expect(CRC32C.checkSum((0..<32).map(UInt8.init)) == 0x46DD_794E)
    #expect(CRC32C.checkSum((0..<32).reversed().map(UInt8.init)) == 0x113F_DB5C)
    #expect(CRC32C.checkSum(command) == 0xD996_3A56)
    #expect(CRC32C.checkSum([]) == 0)
  }

  @Test func maskedCheckSumsAreThoseOfTensorBoard() {
    // The lengths of two records above.
    #expect(CRC32C.masked([0x18, 0, 0, 0, 0, 0, 0, 0]) == 0x224B_7FA3)
    #expect(CRC32C.masked([0x28, 0, 0, 0, 0, 0, 0, 0]) == 0x4A16_70FF)
  }
}
