import Datasets
import Foundation
import Testing
import Torch

@Suite struct DatasetSourceTests {
  @Test func namesAndPathsAreToldApart() {
    #expect(DatasetSource("digits") == .digits)
    #expect(DatasetSource("swiss-roll") == .points(.swissRoll))
    #expect(DatasetSource("./digits") == .path("./digits"))
    for name in DatasetSource.builtInNames { #expect(DatasetSource(name).description == name) }
    #expect(
      DatasetSource.builtInNames == ["digits", "moons", "checkerboard", "swiss-roll", "spirals", "eight-gaussians"])
  }

  @Test func builtInDataLoad() throws {
    #expect(try DatasetSource("digits").load().count == 1797)
    let moons = try DatasetSource("moons").load(seed: 5)
    #expect(moons.examples.floats == Dataset.points(.moons, seed: 5).examples.floats)
  }

  @Test func unknownNamesAreExplained() {
    for name in ["minst", "Digits", "no/such/file"] {
      expectFailure(.missing, name, "digits, moons", "eight-gaussians", "nor an existing file") {
        try DatasetSource(name).load()
      }
    }
  }

  @Test func unknownContentIsRefused() throws {
    let folder = try TestFolder()
    for bytes in [[], Array("hello".utf8), [0, 0, 8, 0]] as [[UInt8]] {
      let path = try folder.write(bytes, "file.dat")
      expectFailure(.data, path, "IDX", "CIFAR-10") { try DatasetSource(path).load() }
    }
  }

  @Test func labelsGoWithIDXOnly() throws {
    let folder = try TestFolder()
    let labels = try folder.write(idx([1], [1]), "labels")
    let records = try folder.write([UInt8](repeating: 1, count: 3073), "records.bin")
    for source in ["digits", "moons", folder.path, records] {
      expectFailure(.data, labels, "leave them out") { try DatasetSource(source).load(labels: labels) }
    }
  }
}

@Suite struct CIFARFileTests {
  private func records(_ labels: [UInt8]) -> [UInt8] {
    labels.flatMap { label in [label] + (0..<3072).map { UInt8(truncatingIfNeeded: $0 / 1024 * 50 + $0 % 32) } }
  }

  @Test(arguments: ["data.bin", "data"])
  func recordsAreRead(name: String) throws {
    let folder = try TestFolder()
    let data = try DatasetSource(folder.write(records([3, 0, 9]), name)).load()
    #expect(data.examples.shape == [3, 3, 32, 32] && data.classCount == 10)
    #expect(try #require(data.labels).elements(as: Int.self) == [3, 0, 9])
    for channel in 0..<3 {
      #expect(data.examples[2, .at(channel), 7].elements(as: Int.self) == (0..<32).map { channel * 50 + $0 })
    }
  }

  @Test func incompleteRecordsAndBadLabelsAreNamed() throws {
    let folder = try TestFolder()
    let cut = try folder.write(Array(records([1, 2]).dropLast()), "cut.bin")
    expectFailure(.data, cut, "3073", "6145", "1 records and 3072 bytes") { try DatasetSource(cut).load() }
    let bad = try folder.write(records([1, 10]), "bad.bin")
    expectFailure(.data, bad, "found 10 in record 1") { try DatasetSource(bad).load() }
    let empty = try folder.write([], "empty.bin")
    expectFailure(.data, empty, "none") { try DatasetSource(empty).load() }
  }

  @Test(.enabled(if: SharedData.has("cifar10")))
  func cifarIsRead() throws {
    let data = try DatasetSource(SharedData.folder + "/cifar10/test_batch_first1000.bin").load()
    #expect(data.examples.shape == [1000, 3, 32, 32] && data.classCount == 10)
    // The first test pictures of CIFAR-10 are a cat, two ships, an airplane and a frog.
    #expect(try #require(data.labels)[0..<5].elements(as: Int.self) == [3, 8, 8, 0, 6])
    #expect(try abs(data.standardDeviation - 0.5) < 0.02)
  }
}
