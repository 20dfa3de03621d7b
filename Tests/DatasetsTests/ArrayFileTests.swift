import Datasets
import Files
import Foundation
import TestSupport
import Testing
import Torch

/// A file in NumPy's format.
func npy(_ type: String, _ shape: String, _ elements: [UInt8], fortran: Bool = false, version: UInt8 = 1) -> [UInt8] {
  let header = Array("{'descr': '\(type)', 'fortran_order': \(fortran ? "True" : "False"), 'shape': \(shape), }\n".utf8)
  let length =
    version == 1
    ? [UInt8(header.count), 0] : [UInt8(header.count), 0, 0, 0]
  return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + header + elements
}

func bytes<Value>(_ values: [Value]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

@Suite struct ArrayFileTests {
  private func load(_ bytes: [UInt8], _ name: String = "data.npy", labels: [UInt8]? = nil) throws -> Dataset {
    let folder = try TestFolder()
    let labelsPath = try labels.map { try folder.write($0, "labels.npy") }
    return try DatasetSource(folder.write(bytes, name)).load(labels: labelsPath)
  }

  @Test(arguments: [UInt8(1), 2, 3])
  func bytesArePicturesOfOneOrThreeChannels(version: UInt8) throws {
    let elements = (0..<24).map(UInt8.init)
    let grey = try load(npy("|u1", "(2, 3, 4)", elements, version: version))
    #expect(grey.exampleShape == [1, 3, 4] && grey.count == 2 && grey.isImages)
    #expect(grey.examples.elements(as: UInt8.self) == elements)
    let planes = try load(npy("|u1", "(2, 3, 2, 2)", elements))
    #expect(planes.exampleShape == [3, 2, 2] && planes.examples.elements(as: UInt8.self) == elements)
    let pixels = try load(npy("|u1", "(2, 2, 2, 3)", elements))
    #expect(pixels.exampleShape == [3, 2, 2])
    #expect(pixels.examples[1, .at(2)].elements(as: UInt8.self) == [14, 17, 20, 23])
  }

  @Test func numbersOfAnyTypeArePoints() throws {
    let values = [1.5, -2, 3, 4, 5.25, -6]
    func check(_ type: String, _ elements: [UInt8], fortran: Bool = false, _ expected: [Float]? = nil) throws {
      let data = try load(npy(type, "(2, 3)", elements, fortran: fortran))
      #expect(data.exampleShape == [3] && !data.isImages)
      #expect(data.examples.elements(as: Float.self) == expected ?? values.map(Float.init), "\(type)")
    }
    try check("<f8", bytes(values))
    try check("<f4", bytes(values.map(Float.init)))
    try check(">f8", bytes(values.map { $0.bitPattern.bigEndian }))
    try check("<f8", bytes([1.5, 4, -2, 5.25, 3, -6]), fortran: true)
    let whole: [Float] = [1, -2, 3, 4, 5, -6]
    try check("<i8", bytes(whole.map { Int64($0) }), whole)
    try check("<i2", bytes(whole.map { Int16($0) }), whole)
    try check("|i1", bytes(whole.map { Int8($0) }), whole)
    // Half precision: 1, −2, the smallest, the largest, 0.5 and 0.
    try check("<f2", bytes([0x3C00, 0xC000, 1, 0x7BFF, 0x3800, 0] as [UInt16]), [1, -2, 0x1p-24, 65504, 0.5, 0])
  }

  @Test func fractionsOfPicturesAreRoundedToBytes() throws {
    let unit = try load(npy("<f4", "(1, 2, 2)", bytes([0, 0.5, 1, 0.2] as [Float])))
    #expect(unit.examples.elements(as: UInt8.self) == [0, 128, 255, 51])
    let centred = try load(npy("<f4", "(1, 2, 2)", bytes([-1, 0, 1, 0.2] as [Float])))
    #expect(centred.examples.elements(as: UInt8.self) == [0, 128, 255, 153])
    #expect(
      try load(npy("<i4", "(1, 1, 2)", bytes([7, 255] as [Int32]))).examples.elements(as: UInt8.self) == [7, 255])
    #expect(try load(npy("|b1", "(1, 1, 2)", [0, 1])).examples.elements(as: UInt8.self) == [0, 255])
    expectSentence("from -3.0 to 1.0", "scale them") {
      try load(npy("<f4", "(1, 1, 2)", bytes([-3, 1] as [Float])))
    }
  }

  @Test func labelsOfArraysComeFromAFile() throws {
    let data = try load(
      npy("<f4", "(3, 2)", bytes([Float](repeating: 1, count: 6))),
      labels: npy("<i4", "(3,)", bytes([2, 0, 1] as [Int32])))
    #expect(data.classCount == 3 && data.labels?.elements(as: Int.self) == [2, 0, 1])
    for (labels, word) in [
      (npy("<i4", "(2,)", bytes([0, 1] as [Int32])), "expected 3 labels"),
      (npy("<f4", "(3,)", bytes([0, 1, 2] as [Float])), "whole numbers"),
      (npy("<i4", "(3,)", bytes([0, -1, 2] as [Int32])), "-1.0 at position 1"),
    ] {
      let error = #expect(throws: DataError.self) {
        try load(npy("<f4", "(3, 2)", bytes([Float](repeating: 1, count: 6))), labels: labels)
      }
      #expect(error?.description.contains(word) == true, "\(error?.description ?? "")")
    }
  }

  @Test func damagedArraysAreExplained() throws {
    let good = npy("<f4", "(1, 2)", bytes([1, 2] as [Float]))
    for (content, word) in [
      (Array(good.dropLast()), "found 7"), (good + [0], "found 9"),
      (npy("|O", "(1,)", []), "pickled"), (npy("<c8", "(1, 1)", [UInt8](repeating: 0, count: 8)), "type <c8"),
      (npy("<f4", "(1, 2", bytes([1, 2] as [Float])), "dictionary"), (npy("<f4", "(0, 2)", []), "no examples"),
      (npy("<f4", "(4611686018427387904, 4)", []), "cannot be"),
      (npy("<f4", "(2,)", good.suffix(8) + []), "single numbers"),
      (npy("<f4", "(1, 2)", bytes([1, Float.nan])), "element 1"), (Array(good.prefix(9)), "expected an array"),
      (Array(good.prefix(40)), "longer than the file"),
      (npy("|u1", "(1, 2, 2, 2)", [UInt8](repeating: 0, count: 8)), "1 or 3 channels"),
    ] {
      let error = #expect(throws: DataError.self) { try load(content) }
      #expect(error?.description.contains(word) == true, "\(error?.description ?? "") lacks \(word)")
    }
  }

  @Test func whatIsWrittenIsRead() throws {
    let folder = try TestFolder()
    let tensor = Tensor([1.5, 2, 3, 4, 5, 6], shape: [3, 1, 2])
    try NPYFile.write(tensor, to: "\(folder.path)/a.npy")
    let back = try NPYFile.read("\(folder.path)/a.npy")
    #expect(back.shape == [3, 1, 2] && back.elements(as: Double.self) == tensor.elements(as: Double.self))
  }
}
