import Datasets
import Foundation
import Imaging
import Testing
import Torch

@Suite struct PNGFolderTests {
  private func png(_ value: UInt8, width: Int = 2, height: Int = 3, channels: Int = 1) throws -> [UInt8] {
    let count = width * height * channels
    let pixels = (0..<count).map { value &+ UInt8($0) }
    return try Array(Image(width: width, height: height, channels: channels, pixels: pixels).pngData())
  }

  /// The first byte of each picture.
  private func firsts(_ data: Dataset) -> [Int] {
    data.examples[.all, 0, 0, 0].elements(as: Int.self)
  }

  @Test func filesAreReadInTheOrderOfTheirNames() throws {
    let folder = try TestFolder()
    for (name, value) in [("c.png", 30), ("a.PNG", 10), ("b.Png", 20), (".hidden.png", 99)] {
      try folder.write(png(UInt8(value)), name)
    }
    try folder.write(Array("text".utf8), "notes.txt")
    for path in [folder.path, folder.path + "/"] {
      let data = try DatasetSource(path).load()
      #expect(data.examples.shape == [3, 1, 3, 2] && data.labels == nil && firsts(data) == [10, 20, 30])
      #expect(data.examples[0].elements(as: Int.self) == [10, 11, 12, 13, 14, 15])
    }
  }

  /// Also of a relative path that ends in a dot.
  @Test func aFolderGivesTheDataItsName() throws {
    let folder = try TestFolder()
    try folder.write(png(1), "own.png")
    let url = URL(fileURLWithPath: folder.path)
    let up = FileManager.default.currentDirectoryPath.split(separator: "/").map { _ in ".." }
    let relative = (up + [String(folder.path.dropFirst())]).joined(separator: "/")
    for path in [folder.path, folder.path + "//", relative, relative + "/."] {
      #expect(try DatasetSource(path).load().name == url.lastPathComponent, "\(path)")
    }
  }

  @Test func subfoldersAreClasses() throws {
    let folder = try TestFolder()
    for (name, value) in [("dog/1.png", 40), ("cat/2.png", 20), ("cat/1.png", 10), ("dog/0.png", 30)] {
      try folder.write(png(UInt8(value)), name)
    }
    try folder.write([1], "empty/readme")
    try folder.write(png(9), ".cache/1.png")
    let data = try DatasetSource(folder.path).load()
    #expect(firsts(data) == [10, 20, 30, 40] && data.classCount == 2)
    #expect(try #require(data.labels).elements(as: Int.self) == [0, 0, 1, 1])
    let own = try folder.write(png(1), "own.png")
    expectFailure(.data, folder.path, "cat") { try DatasetSource(folder.path).load() }
    try FileManager.default.removeItem(atPath: own)
  }

  @Test(arguments: ["ac", "ca", "c", "a"])
  func channelsAreThoseOfTheMostColorful(names: String) throws {
    let folder = try TestFolder()
    for (index, kind) in names.enumerated() {
      try folder.write(png(UInt8(index * 50), channels: kind == "c" ? 3 : 1), "\(index).png")
    }
    let data = try DatasetSource(folder.path).load()
    #expect(data.examples.shape == [names.count, names.contains("c") ? 3 : 1, 3, 2])
    #expect(firsts(data) == (0..<names.count).map { $0 * 50 })
  }

  @Test func greyBecomesColorAmongColor() throws {
    let folder = try TestFolder()
    try folder.write(png(10), "a.png")
    try folder.write(png(20), "b.png")
    try folder.write(png(30, channels: 3), "c.png")
    try folder.write(png(40), "d.png")
    let data = try DatasetSource(folder.path).load()
    #expect(data.examples.shape == [4, 3, 3, 2])
    #expect(firsts(data) == [10, 20, 30, 40])
    #expect(data.examples[1].elements(as: Int.self) == (0..<18).map { 20 + $0 % 6 })
    #expect(data.examples[2].elements(as: Int.self) == (0..<18).map { 30 + $0 % 6 * 3 + $0 / 6 })
    #expect(data.examples[3].elements(as: Int.self) == (0..<18).map { 40 + $0 % 6 })
  }

  @Test func whatDoesNotFitIsNamed() throws {
    let folder = try TestFolder()
    expectFailure(.data, folder.path, "no PNG files") { try DatasetSource(folder.path).load() }
    try folder.write(png(1), "a.png")
    let wide = try folder.write(png(1, width: 4), "b.png")
    try folder.write(png(1, width: 5), "c.png")
    expectFailure(.data, wide, "2 × 3", "4 × 3", "a.png") { try DatasetSource(folder.path).load() }
    try folder.write(Array("no picture".utf8), "b.png")
    expectFailure(.data, wide, "not a PNG file") { try DatasetSource(folder.path).load() }
    expectFailure(.missing, "/none/such") { try Dataset(contentsOfPNGFolder: "/none/such") }
  }
}
