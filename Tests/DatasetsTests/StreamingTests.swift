import Datasets
import Files
import Foundation
import Imaging
import Testing
import Torch

/// Data that stay in their files.
@Suite struct StreamingTests {
  private func check(_ source: DatasetSource, labels: String? = nil) throws {
    let memory = try source.load(labels: labels, loading: .memory)
    let stream = try source.load(labels: labels, loading: .stream)
    #expect(!memory.isStreamed && stream.isStreamed)
    #expect(stream.count == memory.count && stream.exampleShape == memory.exampleShape)
    #expect(stream.labels?.elements(as: Int.self) == memory.labels?.elements(as: Int.self))
    #expect(stream.classNames == memory.classNames)
    let positions = Tensor([2, 0, 2, 1])
    let expected = memory.examples.gathering(positions).elements(as: Double.self)
    #expect(try stream.elements(at: positions).elements(as: Double.self) == expected)
    stream.prefetch(positions)
    #expect(try stream.elements(at: positions).elements(as: Double.self) == expected)
    // What was prefetched need not be what is asked for.
    stream.prefetch(Tensor([1]))
    #expect(
      try stream.batch(positions).examples.elements(as: Double.self) == memory.batch(positions).examples.elements())
    #expect(try abs(stream.standardDeviation - memory.standardDeviation) < 1e-12)
    #expect(try stream.fingerprint != memory.fingerprint && stream.fingerprint.hasSuffix("of \(memory.count)"))
  }

  @Test func everyFormatStreamsWhatItLoads() throws {
    let folder = try TestFolder()
    let pixels = (0..<36).map { UInt8($0 * 7 % 256) }
    try check(.path(folder.write(idx([3, 3, 4], pixels), "a.idx")), labels: folder.write(idx([3], [2, 0, 1]), "l"))
    try check(.path(folder.write(idx([3, 2, 2, 3], pixels), "b.idx")))
    try check(.path(folder.write(npy("|u1", "(3, 2, 2, 3)", pixels), "c.npy")))
    try check(.path(folder.write(npy("<f8", "(3, 2)", bytes([1.5, 2, 3, 4, 5, 6])), "d.npy")))
    try check(
      .path(folder.write((0..<3).flatMap { [UInt8($0)] + [UInt8](repeating: UInt8($0) * 9, count: 3072) }, "e.bin")))
    for index in 0..<3 {
      let image = Image(width: 2, height: 2, channels: 3, pixels: Array(pixels[(index * 12)..<(index * 12 + 12)]))
      try folder.write(Array(try image.pngData()), "pictures/\(index % 2)/\(index).png")
    }
    try check(.path("\(folder.path)/pictures"))
  }

  @Test func partsOfStreamedDataAreThoseOfDataInMemory() throws {
    let folder = try TestFolder()
    let path = try folder.write(idx([6, 2, 2], (0..<24).map { UInt8($0 * 10) }), "a.idx")
    let labels = try folder.write(idx([6], [0, 1, 0, 1, 0, 1]), "l.idx")
    let order = Tensor([5, 3, 0, 3])
    let memory = try DatasetSource(path).load(labels: labels, loading: .memory).unlabeledPart(order)
    let stream = try DatasetSource(path).load(labels: labels, loading: .stream).unlabeledPart(order)
    #expect(!memory.isStreamed && stream.isStreamed && stream.count == 4 && memory.classCount == 0)
    #expect(memory.examples[.all, 0, 0, 0].elements(as: Int.self) == [200, 120, 0, 120])
    // A part of a part, with and without reading ahead.
    let positions = Tensor([2, 0])
    for (part, all) in [(memory, stream), (memory.unlabeledPart(positions), stream.unlabeledPart(positions))] {
      for _ in 0..<2 {
        let expected = try part.batch(Tensor([1, 0]))
        let batch = try all.batch(Tensor([1, 0]))
        #expect(batch.examples.floats == expected.examples.floats && batch.labels == nil && expected.labels == nil)
        all.prefetch(Tensor([1, 0]))
      }
      #expect(try part.standardDeviation == all.standardDeviation)
    }
  }

  @Test func whatIsDamagedLaterIsAnError() throws {
    let folder = try TestFolder()
    let path = try folder.write(idx([3, 2, 2], [UInt8](repeating: 1, count: 12)), "a.idx")
    let stream = try DatasetSource(path).load(loading: .stream)
    #expect(try stream.elements(at: Tensor([2])).elementCount == 4)
    try FileHandle(forWritingTo: URL(fileURLWithPath: path)).truncate(atOffset: 20)
    stream.prefetch(Tensor([2]))
    let error = #expect(throws: DataError.self) { try stream.elements(at: Tensor([2])) }
    #expect(error?.description.contains("shorter") == true)
    #expect(try stream.elements(at: Tensor([0])).elementCount == 4)
  }

  @Test func summariesTellWhatThereIs() throws {
    let folder = try TestFolder()
    let path = try folder.write(idx([3, 2, 4], [UInt8](repeating: 1, count: 24)), "a.idx")
    let labels = try folder.write(idx([3], [0, 1, 1]), "l.idx")
    #expect(
      try DatasetSource(path).load(labels: labels).summary
        == "3 grey images of 4 × 2 pixels, 2 classes, in memory (2.4e-05 MB)")
    #expect(
      try DatasetSource(path).load(loading: .stream).summary.hasSuffix("no classes, streamed (2.4e-05 MB in all)"))
    #expect(
      try DatasetSource("digits").load().summary == "1797 grey images of 8 × 8 pixels, 10 classes, in memory (0.115 MB)"
    )
    #expect(try DatasetSource("moons").load().summary == "20000 points of 2 numbers, 2 classes, in memory (0.16 MB)")
  }

  @Test func summariesCountWhatWasLeftOut() throws {
    let folder = try TestFolder()
    let png = Array(try Image(width: 1, height: 1, channels: 1, pixels: [7]).pngData())
    for name in ["x/a.png", "x/deep/b.png", "x/c.jpg"] { try folder.write(png, name) }
    #expect(try DatasetSource(folder.path).load().leftOut == "1 file that is not a PNG, 1 folder in a subfolder")
    for name in ["notes.txt", ".hidden.png", ".cache/d.png"] { try folder.write(png, name) }
    let list = Array(#"{"labels": [["x/a.png", 0], ["y.png", 1]]}"#.utf8)
    try folder.write(list, "dataset.json")
    #expect(
      try DatasetSource(folder.path).load().summary.hasSuffix(
        "; left out: 2 files that are not PNGs, 2 hidden files, 1 folder in a subfolder, 1 label without a picture"))
    let archive = zip([
      ("s/x/a.png", png), ("s/y/deep/b.png", png), ("s/readme", png), ("__MACOSX/s/x/._a.png", png),
      ("s/x/.b.png", png),
    ])
    #expect(
      try DatasetSource(folder.write(archive, "a.zip")).load().leftOut
        == "1 file that is not a PNG, 2 hidden files, 1 picture in a deeper folder")
    #expect(try DatasetSource(folder.write(zip([("a.png", png)]), "b.zip")).load().leftOut == nil)
    let array = npy("|u1", "(1, 1, 2)", [1, 2])
    let arrays = zip([("x_train.npy", array), ("y_train.npy", npy("<i8", "(1,)", bytes([0]))), ("x_test.npy", array)])
    #expect(try DatasetSource(folder.write(arrays, "c.npz")).load().leftOut == "1 other file")
    // Where there is no picture at all, the sentence says what there is instead.
    try folder.write([1], "only/a.jpg")
    expectFailure(.data, folder.path + "/only", "1 file that is not a PNG") {
      try DatasetSource(folder.path + "/only").load()
    }
  }
}
