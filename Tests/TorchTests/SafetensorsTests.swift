import Files
import Foundation
import TestSupport
import Testing
import Torch

struct SafetensorsTests {
  /// Tensors of every element type and of shapes at the edges.
  private var examples: [String: Tensor] {
    var random = RandomGenerator(seed: 8)
    var tensors: [String: Tensor] = [:]
    for dtype in DType.allCases {
      let values = random.normal([2, 3], dtype: .float64) * 20
      tensors["values.\(dtype)"] = dtype == .bool ? values .> 0 : (dtype == .uint8 ? values.abs() : values).to(dtype)
      tensors["empty.\(dtype)"] = Tensor.zeros([0, 3], dtype: dtype)
      tensors["scalar.\(dtype)"] = Tensor(1, dtype: dtype)
    }
    tensors["special"] = Tensor([Double.nan, .infinity, -.infinity, -0.0, .leastNonzeroMagnitude])
    tensors["transposed"] = random.normal([4, 5]).transposed()
    tensors["a \"quoted\"\\ /name\n\u{1}ü漢"] = Tensor([1])
    tensors[""] = Tensor([2])
    return tensors
  }

  private func bits(_ tensor: Tensor) -> [UInt64] { tensor.elements(as: Double.self).map(\.bitPattern) }

  @Test func everythingSurvivesTheRoundTrip() throws {
    let metadata = ["quote\"": "line\nbreak", "ünïcode": "漢字 🙂", "path": "a/b\\c", "": "", "null": "\u{0}"]
    let original = Safetensors(examples, metadata: metadata)
    let copy = try Safetensors(data: original.encoded())
    #expect(copy.metadata == metadata)
    #expect(Set(copy.tensors.keys) == Set(examples.keys))
    for (name, tensor) in examples {
      let read = try #require(copy.tensors[name])
      #expect(read.dtype == tensor.dtype)
      #expect(read.shape == tensor.shape)
      #expect(bits(read) == bits(tensor), "\(name)")
    }
  }

  @Test func integersSurviveExactly() throws {
    let numbers = [Int.min, -1, 0, 1 << 53 + 1, .max]
    let copy = try Safetensors(data: Safetensors(["n": Tensor(numbers)]).encoded())
    #expect(copy.tensors["n"]?.elements(as: Int.self) == numbers)
  }

  @Test func bytesFollowTheFormat() throws {
    let data = try Safetensors(
      ["b": Tensor([1, 2] as [UInt8]), "a": Tensor([1] as [Float])], metadata: ["k": "v"]
    ).encoded()
    let header =
      #"{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"#
      + #""b":{"dtype":"U8","shape":[2],"data_offsets":[4,6]}}"#
    let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
    var expected = Data([UInt8(padded.utf8.count), 0, 0, 0, 0, 0, 0, 0])
    expected += Data(padded.utf8) + Data([0, 0, 0x80, 0x3F, 1, 2])
    #expect(data == expected)
  }

  @Test func bytesDependOnTheContentAlone() throws {
    let names = (0..<40).map { "tensor \($0)" }
    func encoded(_ order: [String]) throws -> Data {
      var file = Safetensors([:])
      for name in order {
        file.tensors[name] = Tensor([Float(name.count)])
        file.metadata[name] = name
      }
      return try file.encoded()
    }
    #expect(try encoded(names) == encoded(names.reversed()))
  }

  @Test func dataIsAligned() throws {
    for name in ["a", "ab", "abc", "abcdefg"] {
      let data = try Safetensors([name: Tensor([1.0]), "x": Tensor([1] as [UInt8])]).encoded()
      let length = data.prefix(8).enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
      #expect(length % 8 == 0)
      #expect(
        String(decoding: data[8..<(8 + length)], as: UTF8.self).contains(
          "\"\(name)\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]}"))
    }
  }

  @Test func filesAreWrittenAndRead() throws {
    try temporaryFolder { folder in
      let path = folder + "/model.safetensors"
      try Safetensors(["x": Tensor([1.0, 2])]).write(to: path)
      try Safetensors(["y": Tensor([3.0])]).write(to: path)
      let file = try Safetensors(contentsOf: path)
      #expect(file.tensors.keys.sorted() == ["y"])
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["model.safetensors"])
      let error = #expect(throws: FileError.self) { try Safetensors(contentsOf: folder + "/none") }
      #expect(error?.isMissing == true)
    }
  }

  @Test func noTensorsAtAllIsAFile() throws {
    let copy = try Safetensors(data: Safetensors([:]).encoded())
    #expect(copy.tensors.isEmpty && copy.metadata.isEmpty)
  }

  @Test func theNameOfTheMetadataIsRefused() {
    #expect(throws: Safetensors.FormatError.self) { try Safetensors(["__metadata__": Tensor([1])]).encoded() }
  }

  @Test func slicesOfDataAreRead() throws {
    let data = try Data([9, 9, 9]) + Safetensors(["x": Tensor([1.0, 2])]).encoded()
    #expect(try Safetensors(data: data[3...]).tensors["x"]?.elements(as: Double.self) == [1, 2])
  }

  @Test func encodingAndReadingLeakNothing() throws {
    let tensors = ["x": Tensor([1.0]), "y": Tensor([2.0]).transposed(0, 0)]
    try expectNoLeaks {
      let data = try Safetensors(tensors).encoded()
      _ = try Safetensors(data: data)
      #expect(throws: Safetensors.FormatError.self) { try Safetensors(data: data.dropLast()) }
    }
  }
}
