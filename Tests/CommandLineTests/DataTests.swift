import Foundation
import Imaging
import ScoreKit
import TestSupport
import Testing

/// Data of the user's own, through the command line.
@Suite struct DataTests {
  /// Writes RGB pictures of 21 × 30 pixels, in two folders that are classes.
  private func writePictures(_ folder: String, count: Int = 6) throws {
    for index in 0..<count {
      let path = "\(folder)/\(index % 2 == 0 ? "even" : "odd")"
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      let pixels = (0..<(21 * 30 * 3)).map { UInt8(($0 * (index + 3)) % 256) }
      try Image(width: 21, height: 30, channels: 3, pixels: pixels).write(toPNG: "\(path)/\(index).PNG")
    }
  }

  /// The bytes of an IDX file of images that are 9 high and 7 wide.
  private func idx(count: Int) -> Data {
    var data = Data([0, 0, 8, 3, 0, 0, 0, UInt8(count), 0, 0, 0, 9, 0, 0, 0, 7])
    data.append(contentsOf: (0..<(count * 63)).map { UInt8($0 * 7 % 256) })
    return data
  }

  private let options = [
    "--steps", "2", "--batch-size", "4", "--channels", "8,8,8", "--blocks", "1", "--threads", "1", "--sample-every",
    "0",
    "--progress", "none",
  ]

  @Test func foldersOfColouredPicturesOfOddSizeTrainAndSample() throws {
    try temporaryFolder { folder in
      try writePictures("\(folder)/data")
      let trained = try Tool.train.run(
        ["--data", "\(folder)/data", "--class-conditional", "--out", "\(folder)/run"] + options, in: folder)
      #expect(trained.status == 0, "\(trained.errors)")
      let drawn = try Tool.sample.run(
        ["\(folder)/run", "--out", "\(folder)/a.png", "--count", "4", "--steps", "2"], in: folder)
      #expect(drawn.status == 0, "\(drawn.errors)")
      let picture = try Image(contentsOfPNG: "\(folder)/a.png")
      #expect(picture.channels == 3)
      // Magnified twice, two columns.
      #expect(picture.width == 2 * (42 + 2) + 2)
      #expect(picture.height == 2 * (60 + 2) + 2)
      // Colours for the same pictures: their grey stays.
      let coloured = try Tool.sample.run(
        ["\(folder)/run", "--out", "\(folder)/a.npy", "--count", "6", "--steps", "2", "--colorize", "\(folder)/data"],
        in: folder)
      #expect(coloured.status == 0, "\(coloured.errors)")
      let known = Pixels.values(of: try DatasetSource("\(folder)/data").load().examples).to(.float64).mean(1)
      expectClose(try NPYFile.read("\(folder)/a.npy").mean(1), known, rtol: 0, atol: 1e-4)
    }
  }

  @Test func idxFilesWithLabelsTrainAndSample() throws {
    try temporaryFolder { folder in
      try idx(count: 5).write(to: URL(fileURLWithPath: "\(folder)/images"))
      try Data([0, 0, 8, 1, 0, 0, 0, 5, 0, 1, 2, 1, 0]).write(to: URL(fileURLWithPath: "\(folder)/labels"))
      let trained = try Tool.train.run(
        ["--data", "\(folder)/images", "--labels", "\(folder)/labels", "--class-conditional", "--out", "\(folder)/run"]
          + options, in: folder)
      #expect(trained.status == 0, "\(trained.errors)")
      let drawn = try Tool.sample.run(
        ["\(folder)/run", "--out", "\(folder)/a.png", "--count", "2", "--class", "2", "--steps", "1"], in: folder)
      #expect(drawn.status == 0, "\(drawn.errors)")
      try Tool.sample.expectFailure(
        ["\(folder)/run", "--out", "\(folder)/a.png", "--class", "3"], status: 64, mentioning: ["--class", "0 to 2"],
        in: folder)
    }
  }

  @Test func arraysOfPointsStreamTrainAndSample() throws {
    try temporaryFolder { folder in
      let points = Tensor((0..<60).map { Float($0 % 7) }, shape: [20, 3])
      try NPYFile.write(points, to: "\(folder)/points.npy")
      let trained = try Tool.train.run(
        [
          "--data", "\(folder)/points.npy", "--loading", "stream", "--out", "\(folder)/run", "--steps", "2",
          "--batch-size",
          "4", "--width", "8", "--blocks", "1", "--threads", "1", "--progress", "plain",
        ], in: folder)
      #expect(trained.status == 0, "\(trained.errors)")
      #expect(trained.errors.contains("20 points of 3 numbers, no classes, streamed"))
      #expect(try RunConfiguration(contentsOf: "\(folder)/run/config.json").loading == .stream)
      try Tool.sample.expectFailure(
        ["\(folder)/run", "--out", "\(folder)/a.png"], status: 64, mentioning: ["3 numbers", ".npy"], in: folder)
      let drawn = try Tool.sample.run(
        ["\(folder)/run", "--out", "\(folder)/a.npy", "--count", "5", "--steps", "2"], in: folder)
      #expect(drawn.status == 0, "\(drawn.errors)")
      #expect(try NPYFile.read("\(folder)/a.npy").shape == [5, 3])
    }
  }

  @Test func damagedDataAreRefusedBeforeAnythingIsWritten() throws {
    try temporaryFolder { folder in
      let data = "\(folder)/data"
      try writePictures(data)
      try Image(width: 20, height: 30, channels: 3, pixels: Array(repeating: 0, count: 1800))
        .write(toPNG: "\(data)/odd/wrong.png")
      try idx(count: 5).dropLast(10).write(to: URL(fileURLWithPath: "\(folder)/short"))
      // A gzip header and nothing after it.
      try Data([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3]).write(to: URL(fileURLWithPath: "\(folder)/short.gz"))
      try idx(count: 5).write(to: URL(fileURLWithPath: "\(folder)/images"))
      try Data([0, 0, 8, 1, 0, 0, 0, 2, 0, 1]).write(to: URL(fileURLWithPath: "\(folder)/labels"))
      for (arguments, words) in [
        (["--data", data], ["wrong.png", "20", "21"]), (["--data", "\(folder)/short"], ["short"]),
        (["--data", "\(folder)/short.gz"], ["short.gz"]),
        (["--data", "\(folder)/images", "--labels", "\(folder)/labels"], ["labels", "2", "5"]),
        (["--data", "\(folder)/images", "--labels", "\(folder)/images"], ["images"]),
      ] {
        try Tool.train.expectFailure(
          arguments + ["--out", "\(folder)/run"] + options, status: 65, mentioning: words, in: folder)
        #expect(!FileManager.default.fileExists(atPath: "\(folder)/run"))
      }
      try Tool.train.expectFailure(
        ["--data", "\(folder)/images", "--labels", "\(folder)/none", "--out", "\(folder)/run"] + options, status: 66,
        mentioning: ["\(folder)/none"], in: folder)
    }
  }
}
