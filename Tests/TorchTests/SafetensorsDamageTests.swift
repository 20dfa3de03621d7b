import Foundation
import TestSupport
import Testing
import Torch

/// Files that are not as they should be: each is refused with a sentence, none ends the process.
struct SafetensorsDamageTests {
  struct Damage: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: Data
    /// Words of the error.
    let words: String

    init(_ name: String, _ header: String, data: Int = 0, _ words: String) {
      self.init(name, bytes: Self.file(header, data: data), words)
    }

    init(_ name: String, bytes: Data, _ words: String) {
      testDescription = name
      self.bytes = bytes
      self.words = words
    }

    /// A file of a header and some bytes of zeros.
    static func file(_ header: String, data: Int) -> Data {
      withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) } + Data(header.utf8) + Data(count: data)
    }
  }

  /// A header of tensors of `uint8`.
  private static func entry(
    _ name: String = "a", dtype: String = "\"U8\"", shape: String = "[4]", offsets: String = "[0,4]"
  ) -> String {
    "\"\(name)\":{\"dtype\":\(dtype),\"shape\":\(shape),\"data_offsets\":\(offsets)}"
  }

  static let damages: [Damage] = [
    Damage("no bytes", bytes: Data(), "0 bytes are too few"),
    Damage("7 bytes", bytes: Data(count: 7), "7 bytes are too few"),
    Damage("no header", bytes: Data(count: 8), "not a JSON object"),
    Damage("header beyond the file", bytes: Data([3, 0, 0, 0, 0, 0, 0, 0]) + Data("{}".utf8), "claims 3 bytes, but 2"),
    Damage(
      "header of 2⁶⁴ − 1 bytes", bytes: Data(repeating: 255, count: 8) + Data("{}".utf8), "claims 18446744073709551615"),
    Damage(
      "header of 2⁶³ bytes", bytes: Data([0, 0, 0, 0, 0, 0, 0, 128]) + Data("{}".utf8), "claims 9223372036854775808"),
    Damage("no JSON", "hello", "not a JSON object"),
    Damage("JSON cut short", "{\"a\":", "not a JSON object"),
    Damage("JSON array", "[]", "not a JSON object"),
    Damage("JSON after a space", " {}", "not a JSON object"),
    Damage("JSON with more behind", "{}{}", "not a JSON object"),
    Damage("invalid UTF-8", bytes: Data([4, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0x22, 0xFF, 0x7D]), "not a JSON object"),
    Damage("UTF-16", bytes: Data([4, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0, 0x7D, 0]), "not a JSON object"),
    Damage("bytes without a tensor", "{}", data: 1, "take 0 bytes, but 1 follow"),
    Damage("entry that is no object", "{\"a\":3}", "lacks its dtype"),
    Damage("entry that is null", "{\"a\":null}", "lacks its dtype"),
    Damage("no dtype", "{\"a\":{\"shape\":[4],\"data_offsets\":[0,4]}}", data: 4, "lacks its dtype"),
    Damage("no shape", "{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,4]}}", data: 4, "lacks its dtype"),
    Damage("no offsets", "{\"a\":{\"dtype\":\"U8\",\"shape\":[4]}}", data: 4, "lacks its dtype"),
    Damage(
      "unknown dtype", "{\(entry(dtype: "\"F8_E4M3\""))}", data: 4, "element type F8_E4M3, which is not supported"),
    Damage("dtype that is a number", "{\(entry(dtype: "8"))}", data: 4, "lacks its dtype"),
    Damage("dtype in small letters", "{\(entry(dtype: "\"u8\""))}", data: 4, "element type u8"),
    Damage("negative length", "{\(entry(shape: "[-4]"))}", data: 4, "not made of lengths"),
    Damage("two negative lengths", "{\(entry(shape: "[-2,-2]"))}", data: 4, "not made of lengths"),
    Damage("fractional length", "{\(entry(shape: "[4.5]"))}", data: 4, "not made of lengths"),
    Damage("length with a decimal point", "{\(entry(shape: "[4.0]"))}", data: 4, "not made of lengths"),
    Damage("length that is true", "{\(entry(shape: "[true,4]"))}", data: 4, "not made of lengths"),
    Damage("length that is false", "{\(entry(shape: "[false]", offsets: "[0,0]"))}", "not made of lengths"),
    Damage("length that is a text", "{\(entry(shape: "[\"4\"]"))}", data: 4, "not made of lengths"),
    Damage("shape that is a number", "{\(entry(shape: "4"))}", data: 4, "lacks its dtype"),
    Damage("length of 2⁶³", "{\(entry(shape: "[9223372036854775808]"))}", data: 4, "not made of lengths"),
    Damage("product of 2⁶⁴ + 4", "{\(entry(shape: "[4294967296,4294967297]"))}", data: 4, "too large"),
    Damage("product of 2⁶⁴", "{\(entry(shape: "[4294967296,4294967296]", offsets: "[0,0]"))}", "too large"),
    Damage(
      "overflow behind a length of 0",
      "{\(entry(shape: "[0,4611686018427387904,4611686018427387904]", offsets: "[0,0]"))}", "too large"),
    Damage(
      "65 dimensions",
      "{\(entry(shape: "[\(Array(repeating: "1", count: 65).joined(separator: ","))]", offsets: "[0,1]"))}",
      data: 1, "65 dimensions"),
    Damage("shape too small for its bytes", "{\(entry(shape: "[3]"))}", data: 4, "needs 3 bytes"),
    Damage("shape too large for its bytes", "{\(entry(shape: "[5]"))}", data: 4, "needs 5 bytes"),
    Damage("offsets in reverse", "{\(entry(offsets: "[4,0]"))}", data: 4, "needs 4 bytes"),
    Damage("one offset", "{\(entry(offsets: "[4]"))}", data: 4, "lacks its dtype"),
    Damage("three offsets", "{\(entry(offsets: "[0,4,8]"))}", data: 4, "lacks its dtype"),
    Damage("negative offset", "{\(entry(offsets: "[-4,0]"))}", data: 4, "lacks its dtype"),
    Damage("offset that is true", "{\(entry(shape: "[1]", offsets: "[0,true]"))}", data: 1, "lacks its dtype"),
    Damage("offsets beyond the data", "{\(entry())}", data: 3, "take 4 bytes, but 3 follow"),
    Damage(
      "offsets at the end of the integers",
      "{\(entry(offsets: "[9223372036854775803,9223372036854775807]"))}", data: 4, "begin at 9223372036854775803"),
    Damage("bytes behind the last tensor", "{\(entry())}", data: 5, "take 4 bytes, but 5 follow"),
    Damage("hole at the start", "{\(entry(offsets: "[1,5]"))}", data: 5, "begin at 1 instead of 0"),
    Damage("hole between tensors", "{\(entry()),\(entry("b", offsets: "[5,9]"))}", data: 9, "begin at 5 instead of 4"),
    Damage("overlap", "{\(entry()),\(entry("b", offsets: "[3,7]"))}", data: 7, "begin at 3 instead of 4"),
    Damage("the same bytes twice", "{\(entry()),\(entry("b"))}", data: 4, "begin at 0 instead of 4"),
    Damage("the same name twice", "{\(entry()),\(entry())}", data: 4, "two entries of the same name"),
    Damage("the same name spelt twice", "{\(entry()),\(entry("\\u0061"))}", data: 4, "two entries of the same name"),
    Damage(
      "dtype twice", "{\"a\":{\"dtype\":\"I8\",\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", "same name"),
    Damage("metadata twice", "{\"__metadata__\":{},\"__metadata__\":{}}", "two entries of the same name"),
    Damage("a text twice", "{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", "two entries of the same name"),
    Damage("metadata of numbers", "{\"__metadata__\":{\"k\":1}}", "not made of texts"),
    Damage("metadata that is a text", "{\"__metadata__\":\"k\"}", "not made of texts"),
    Damage(
      "truth value of 2", bytes: Damage.file("{\(entry(dtype: "\"BOOL\""))}", data: 3) + Data([2]), "neither 0 nor 1"),
  ]

  @Test(arguments: damages) func isRefused(_ damage: Damage) {
    let error = #expect(throws: Safetensors.FormatError.self) { try Safetensors(data: damage.bytes) }
    #expect(error?.description.contains(damage.words) == true, "\(error?.description ?? "")")
    #expect(error?.description.contains("\n") == false)
  }

  @Test func theUndamagedFileIsAccepted() throws {
    let file = try Safetensors(
      data: Damage.file("{\(Self.entry()),\(Self.entry("b:\\\"{", offsets: "[4,8]"))}  ", data: 8))
    #expect(file.tensors.keys.sorted() == ["a", "b:\"{"])
    let one = try Safetensors(data: Damage.file("{\(Self.entry(shape: "[1,0]", offsets: "[0,0]"))}", data: 0))
    #expect(one.tensors["a"]?.shape == [1, 0])
  }

  /// A small file with all that a header can hold.
  private func small() throws -> Data {
    try Safetensors(
      ["w": Tensor([1, 2, 3, 4] as [Float], shape: [2, 2]), "n": Tensor([10]), "t": Tensor([true, false])],
      metadata: ["format": "pt"]
    ).encoded()
  }

  private func structure(_ file: Safetensors) -> [String] {
    file.tensors.values.map { "\($0.dtype)\($0.shape)" }.sorted()
  }

  @Test func everyTruncationIsRefused() throws {
    let data = try small()
    for length in 0..<data.count {
      #expect(throws: Safetensors.FormatError.self) { try Safetensors(data: data.prefix(length)) }
    }
  }

  @Test func everyFlippedBitIsRefusedOrLeavesTheStructure() throws {
    let data = try small()
    let expected = structure(try Safetensors(data: data))
    var accepted = 0
    for bit in 0..<(data.count * 8) {
      var flipped = data
      flipped[bit / 8] ^= 1 << UInt8(bit % 8)
      do {
        let file = try Safetensors(data: flipped)
        #expect(structure(file) == expected, "bit \(bit)")
        _ = file.tensors.values.map { $0.elements(as: Double.self) }
        accepted += 1
      } catch let error as Safetensors.FormatError {
        #expect(!error.description.isEmpty)
      }
    }
    // Those in the numbers, in names and in the text are accepted, most of the others not.
    #expect(accepted >= 24 * 8 && accepted < data.count * 4)
  }
}
