import CZlib
import Datasets
import Files
import Foundation
import Imaging
import Testing
import Torch

/// A ZIP file; deflated members hold what zlib makes of the content.
func zip(_ members: [(String, [UInt8])], deflated: Bool = false, checkSum: UInt32? = nil) -> [UInt8] {
  func little(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
  var file: [UInt8] = []
  var directory: [UInt8] = []
  for (name, content) in members {
    let stored = deflated ? Array(gzip(content).dropFirst(10).dropLast(8)) : content
    let sum = checkSum ?? UInt32(content.withUnsafeBufferPointer { crc32_z(0, $0.baseAddress, z_size_t($0.count)) })
    let common =
      [20, 0, 0, 0, deflated ? 8 : 0, 0, 0, 0, 0, 0] + little(Int(sum), 4) + little(stored.count, 4)
      + little(content.count, 4) + little(name.utf8.count, 2) + [0, 0] as [UInt8]
    directory +=
      [0x50, 0x4B, 1, 2, 20, 0] + common + [0, 0, 0, 0, 0, 0, 0, 0, 0, 0] + little(file.count, 4) + name.utf8
    file += [0x50, 0x4B, 3, 4] + common + name.utf8 + stored
  }
  return file + directory + [0x50, 0x4B, 5, 6, 0, 0, 0, 0] + little(members.count, 2) + little(members.count, 2)
    + little(directory.count, 4) + little(file.count, 4) + [0, 0]
}

@Suite struct ZIPTests {
  private func png(_ value: UInt8, width: Int = 2) throws -> [UInt8] {
    Array(
      try Image(width: width, height: 3, channels: 1, pixels: [UInt8](repeating: value, count: 3 * width)).pngData())
  }

  private func load(_ bytes: [UInt8], _ name: String = "data.zip", _ loading: Dataset.Loading = .memory) throws
    -> Dataset
  {
    let folder = try TestFolder()
    return try DatasetSource(folder.write(bytes, name)).load(loading: loading)
  }

  @Test(arguments: [false, true], [Dataset.Loading.memory, .stream])
  func picturesInFoldersAreClasses(deflated: Bool, loading: Dataset.Loading) throws {
    let data = try load(
      zip(
        [
          ("set/cat/1.png", try png(1)), ("set/dog/2.PNG", try png(2)), ("set/cat/0.png", try png(3)),
          ("set/notes.txt", [1]),
        ],
        deflated: deflated), "data.zip", loading)
    #expect(data.isStreamed == (loading == .stream))
    #expect(data.classNames == ["cat", "dog"] && data.labels?.elements(as: Int.self) == [0, 0, 1])
    let elements = try data.elements(at: Tensor([2, 0, 1]))
    #expect(elements.shape == [3, 1, 3, 2])
    #expect(elements.sum(1, 2, 3).elements(as: Int.self) == [12, 18, 6])
  }

  @Test func labelsMayBeListed() throws {
    let list = Array(#"{"labels": [["00000/a.png", 4], ["00000/b.png", 1]]}"#.utf8)
    let members = [("00000/b.png", try png(2)), ("00000/a.png", try png(1))]
    #expect(try load(zip(members + [("dataset.json", list)])).labels?.elements(as: Int.self) == [4, 1])
    #expect(try load(zip(members + [("dataset.json", Array(#"{"labels": null}"#.utf8))])).classCount <= 1)
    expectSentence("no label for 00000/c.png") {
      try load(zip(members + [("00000/c.png", try png(3)), ("dataset.json", list)]))
    }
    expectSentence("whole numbers") { try load(zip(members + [("dataset.json", [1, 2])])) }
  }

  @Test func damageIsExplained() throws {
    let good = zip([("a.png", try png(1)), ("b.png", try png(2))])
    for (content, word) in [
      (Array(good.dropLast(30)), "no directory"), (zip([("a.png", try png(1))], checkSum: 5), "check sum"),
      (zip([("a.txt", [1])]), "no PNG files"), (zip([]), "no PNG files"),
      (zip([("a.png", try png(1)), ("b.png", try png(1, width: 5))]), "found 5 × 3"),
      (zip([("a.png", [1, 2, 3])]), "a.png"), (zip([("a.png", try png(1)), ("x/b.png", try png(1))]), "subfolders"),
    ] {
      let error = #expect(throws: DataError.self) { try load(content) }
      #expect(error?.description.contains(word) == true, "\(error?.description ?? "") lacks \(word)")
    }
    var encrypted = good
    // The flags of the first directory entry.
    let entry = try #require(encrypted.indices.first { encrypted[$0...].starts(with: [0x50, 0x4B, 1, 2]) })
    encrypted[entry + 8] = 1
    expectSentence("password") { try load(encrypted) }
    var huge = good
    for offset in 24..<28 { huge[entry + offset] = 0x7F }
    expectSentence("cannot be") { try load(huge) }
  }

  @Test func sizesThatCannotBeAreRefused() throws {
    // A header that announces 2³¹ − 1 pixels a side, and one with none; the rest of the file does not matter.
    for side in [[0x7F, 0xFF, 0xFF, 0xFF], [0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0, 0]] as [[UInt8]] {
      var picture = try png(1)
      for offset in [16, 20] { picture.replaceSubrange(offset..<(offset + 4), with: side) }
      for loading in [Dataset.Loading.memory, .stream] {
        let error = #expect(throws: DataError.self) {
          _ = try load(zip([("a.png", picture)]), "data.zip", loading).elements(at: Tensor([0]))
        }
        #expect(error?.description.contains("a.png") == true)
      }
    }
  }

  @Test(arguments: [false, true])
  func arraysOfSavezAreFoundByName(deflated: Bool) throws {
    let images = npy("|u1", "(2, 1, 2)", [1, 2, 3, 4])
    let labels = npy("<i8", "(2,)", bytes([1, 0]))
    for names in [("x_train", "y_train"), ("arr_0", "arr_1"), ("pictures", "labels")] {
      let data = try load(
        zip([("\(names.1).npy", labels), ("\(names.0).npy", images)], deflated: deflated), "data.npz")
      #expect(data.labels?.elements(as: Int.self) == [1, 0] && data.examples.elements(as: Int.self) == [1, 2, 3, 4])
    }
    expectSentence("found a, b") { try load(zip([("a.npy", images), ("b.npy", images)]), "data.npz") }
  }
}
