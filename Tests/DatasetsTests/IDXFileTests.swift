import Datasets
import Files
import Foundation
import Testing
import Torch

@testable import Datasets

@Suite struct IDXFileTests {
  private let pixels = (0..<30).map { UInt8($0 * 8) }

  @Test(arguments: [false, true])
  func picturesAndLabelsAreRead(compressed: Bool) throws {
    let folder = try TestFolder()
    let pack = { (bytes: [UInt8]) in compressed ? gzip(bytes) : bytes }
    let images = try folder.write(pack(idx([5, 2, 3], pixels)), "images")
    let labels = try folder.write(pack(idx([5], [3, 1, 4, 1, 5])), "labels")
    let data = try DatasetSource(images).load(labels: labels)
    #expect(data.examples.shape == [5, 1, 2, 3] && data.examples.elements(as: UInt8.self) == pixels)
    #expect(try #require(data.labels).elements(as: Int.self) == [3, 1, 4, 1, 5])
    #expect(data.classCount == 6 && data.name == "images")
    #expect(try DatasetSource(images).load().labels == nil)
  }

  @Test func channelsMayComeFirstOrLast() throws {
    let folder = try TestFolder()
    let bytes = (0..<60).map { UInt8($0) }
    let first = try Dataset(contentsOfIDX: folder.write(idx([2, 3, 2, 5], bytes), "first"))
    #expect(first.examples.shape == [2, 3, 2, 5] && first.examples.elements(as: UInt8.self) == bytes)
    let last = try Dataset(contentsOfIDX: folder.write(idx([2, 2, 5, 3], bytes), "last"))
    #expect(last.examples.shape == [2, 3, 2, 5])
    #expect(last.examples[1, 2, 1, 4].item() == 59 && last.examples[0, 1, 0, 0].item() == 1)
  }

  @Test func membersOfAGzipFileAreJoined() throws {
    let folder = try TestFolder()
    let bytes = idx([5, 2, 3], pixels)
    let path = try folder.write(gzip(Array(bytes[..<9])) + gzip([]) + gzip(Array(bytes[9...])), "two.gz")
    #expect(try Dataset(contentsOfIDX: path).examples.elements(as: UInt8.self) == pixels)
  }

  @Test func wrongContentIsNamed() throws {
    let folder = try TestFolder()
    let good = idx([5, 2, 3], pixels)
    let cases: [([UInt8], [String])] = [
      ([], ["00 00 08", "nothing"]), ([1, 2, 3, 4, 5], ["01 02 03 04"]), (idx([5], [1], type: 13), ["0d"]),
      (idx([1, 1, 1, 1, 1], [1]), ["5"]), ([0, 0, 8, 3, 0, 0], ["header"]), (idx([0, 28, 28], []), ["0 × 28 × 28"]),
      (idx([1 << 32 - 1, 1 << 32 - 1, 1 << 32 - 1], []), ["4294967295"]), (Array(good.dropLast()), ["46", "45"]),
      (good + [0], ["46", "47"]), (idx([30], pixels), ["labels"]), (idx([5, 6], pixels), ["[5, 6]"]),
      (gzip(good + [0]), ["46", "more"]),
      (gzip(Array(good.dropLast())), ["46", "45"]), (gzip([]), ["nothing"]), (gzip(good) + [7], ["1 bytes"]),
      (gzip(good) + [31, 139], ["end early"]),
    ]
    for (bytes, words) in cases {
      let path = try folder.write(bytes, "file")
      expectFailure(.data, path) { try Dataset(contentsOfIDX: path) }
      for word in words {
        let error = #expect(throws: DataError.self) { try Dataset(contentsOfIDX: path) }
        #expect(error?.description.contains(word) == true, "\(word) in \(error?.description ?? "")")
      }
    }
    let missing = folder.path + "/none"
    expectFailure(.missing, missing) { try Dataset(contentsOfIDX: missing) }
    expectFailure(.inputOutput, folder.path) { try Dataset(contentsOfIDX: folder.path) }
    expectFailure(.inputOutput, "/dev/zero", "neither") { try Dataset(contentsOfIDX: "/dev/zero") }
  }

  @Test func labelsHaveToFit() throws {
    let folder = try TestFolder()
    let images = try folder.write(idx([5, 2, 3], pixels), "images")
    let four = try folder.write(idx([4], [0, 1, 2, 3]), "four")
    expectFailure(.data, four, "expected 5 labels", "found 4", images) {
      try Dataset(contentsOfIDX: images, labels: four)
    }
    expectFailure(.data, images, "expected labels") { try Dataset(contentsOfIDX: images, labels: images) }
    expectFailure(.missing, four + "x") { try Dataset(contentsOfIDX: images, labels: four + "x") }
  }

  @Test func noMoreIsDecompressedThanAnnounced() throws {
    // 64 MiB of zeros behind a header for one pixel.
    let bomb = gzip(idx([1, 1, 1], [UInt8](repeating: 0, count: 1 << 26)))
    #expect(bomb.count < 100_000)
    let bytes = try Gzip.decompress(RandomAccessBytes(Data(bomb), path: "bomb"), limit: 18)
    #expect(bytes.count == 18)
    let folder = try TestFolder()
    let file = try folder.write(bomb, "bomb.gz")
    expectFailure(.data, file, "expected 17 bytes, found more") { try Dataset(contentsOfIDX: file) }
  }

  @Test(arguments: [false, true])
  func everyTruncationAndChangedByteIsSafe(compressed: Bool) throws {
    let folder = try TestFolder()
    let bytes = compressed ? gzip(idx([5, 2, 3], pixels)) : idx([5, 2, 3], pixels)
    for length in 0..<bytes.count {
      let path = try folder.write(Array(bytes.prefix(length)), "cut")
      expectFailure(.data, path) { try DatasetSource(path).load() }
    }
    var accepted = 0
    for index in bytes.indices {
      for flip in [1, 16, 128, 255] as [UInt8] {
        var changed = bytes
        changed[index] ^= flip
        let path = try folder.write(changed, "changed")
        guard let data = try? DatasetSource(path).load() else { continue }
        accepted += 1
        // A gzip file has bits that do not count and a check sum for the others; an IDX file has none.
        if compressed {
          #expect(data.examples.elements(as: UInt8.self) == pixels)
        } else {
          #expect(data.examples.shape == [5, 1, 2, 3] && index >= 16)
        }
      }
    }
    #expect(compressed ? accepted > 0 : accepted == 4 * pixels.count)
  }

  @Test(.enabled(if: SharedData.has("mnist")))
  func mnistIsRead() throws {
    let folder = SharedData.folder + "/mnist"
    let data = try DatasetSource("\(folder)/t10k-images-idx3-ubyte.gz").load(
      labels: "\(folder)/t10k-labels-idx1-ubyte.gz")
    #expect(data.examples.shape == [10_000, 1, 28, 28] && data.classCount == 10)
    #expect(try #require(data.labels)[0..<5].elements(as: Int.self) == [7, 2, 1, 0, 4])
    #expect(try abs(data.standardDeviation - 0.62) < 0.01)
  }
}
