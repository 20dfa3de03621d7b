import Foundation
import Testing
import Torch

@testable import Datasets

@Suite struct DatasetTests {
  @Test func batchesAreTheExamplesAsked() throws {
    let bytes = Tensor((0..<24).map { UInt8($0 * 10) }, shape: [6, 1, 2, 2])
    let data = try Dataset(name: "six", examples: bytes, labels: Tensor([0, 1, 2, 0, 1, 4]))
    #expect(data.count == 6 && data.exampleShape == [1, 2, 2] && data.isImages && data.classCount == 5)
    let batch = try data.batch(Tensor([5, 0, 5]))
    #expect(batch.examples.shape == [3, 1, 2, 2] && batch.examples.dtype == .float32)
    let expected = [200, 210, 220, 230, 0, 10, 20, 30, 200, 210, 220, 230].map { Float($0) / 127.5 - 1 }
    #expect(batch.examples.floats == expected)
    #expect(try #require(batch.labels).elements(as: Int.self) == [4, 0, 4])
  }

  @Test func pointsStayAsTheyAre() throws {
    let points = Tensor([[1, 2], [3, 400]])
    let data = try Dataset(name: "two", examples: points)
    #expect(!data.isImages && data.classCount == 0)
    #expect(try data.batch(Tensor([1])).examples.floats == [3, 400])
    #expect(try data.batch(Tensor([1])).labels == nil)
  }

  @Test func standardDeviationIsThatOfAllValues() throws {
    // More elements than one part holds.
    let bytes = (0..<1_200_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
    let data = try Dataset(name: "many", examples: Tensor(bytes, shape: [12_000, 1, 10, 10]))
    let values = bytes.map { Double(Float($0) / 127.5 - 1) }
    let mean = values.reduce(0, +) / Double(values.count)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
    #expect(try abs(data.standardDeviation - variance.squareRoot()) < 1e-9)
    #expect(try Dataset(name: "one", examples: Tensor([[5, 5]])).standardDeviation == 0)
  }
}

@Suite struct DigitsTests {
  @Test func theBundledDigitsAreComplete() throws {
    let digits = try Dataset.digits()
    #expect(digits.examples.shape == [1797, 1, 8, 8] && digits.name == "digits" && digits.classCount == 10)
    let labels = try #require(digits.labels).elements(as: Int.self)
    let counts = (0...9).map { digit in labels.count { $0 == digit } }
    #expect(counts == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
    let bytes = digits.examples.elements(as: UInt8.self)
    // The first row of the first digit is 0 0 5 13 9 1 0 0.
    #expect(Array(bytes[..<8]) == [0, 0, 80, 207, 143, 16, 0, 0])
    #expect(Set(bytes) == Set((0...16).map { UInt8((Double($0) * 255 / 16 + 0.5).rounded(.down)) }))
  }

  @Test func damagedDigitsAreRefused() throws {
    let folder = try TestFolder()
    let row = Array(repeating: "3", count: 64).joined(separator: ",")
    #expect(try Dataset.digits(path: folder.write(gzip(Array("\(row),7\n".utf8)), "good.gz")).count == 1)
    for text in ["", "\(row)", "\(row),10", "\(row),7\n1,2", row.replacingOccurrences(of: "3", with: "17") + ",1", "x"]
    {
      let path = try folder.write(gzip(Array(text.utf8)), "bad.gz")
      expectFailure(.data, path) { try Dataset.digits(path: path) }
    }
    let missing = folder.path + "/none.gz"
    expectFailure(.missing, missing) { try Dataset.digits(path: missing) }
  }
}
