import Foundation
import Imaging
import Testing

@Suite struct ImagePNGTests {
  /// A picture whose pixels all differ from their neighbours.
  static func picture(_ width: Int, _ height: Int, channels: Int) -> Image {
    Image(
      width: width, height: height, channels: channels,
      pixels: (0..<width * height * channels).map { UInt8(truncatingIfNeeded: $0 &* 73 &+ $0 / 7) })
  }

  @Test(arguments: [(1, 1), (1, 7), (8, 8), (28, 28), (33, 5)], [1, 3])
  func writtenPicturesReadBackEqual(size: (Int, Int), channels: Int) throws {
    let image = Self.picture(size.0, size.1, channels: channels)
    #expect(try Image(pngData: image.pngData()) == image)
    #expect(try image.pngData() == image.pngData())
    try withTemporaryFolder { folder in
      try image.write(toPNG: folder + "/a.png")
      #expect(try Image(contentsOfPNG: folder + "/a.png") == image)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a.png"])
    }
  }

  @Test(arguments: [1, 2, 4, 8, 16], [false, true])
  func greyOfEveryDepthIsScaledToBytes(depth: Int, interlaced: Bool) throws {
    let top = 1 << depth - 1
    func sample(_ x: Int, _ y: Int) -> Int { (x * 7 + y * 13) * top / 300 % (top + 1) }
    let png = TestPNG(width: 13, height: 9, bitDepth: depth, interlaced: interlaced) { x, y, _ in sample(x, y) }
    let image = try Image(pngData: png.data)
    #expect((image.width, image.height, image.channels) == (13, 9, 1))
    for y in 0..<9 {
      for x in 0..<13 {
        #expect(Int(image.pixels[y * 13 + x]) == (sample(x, y) * 255 * 2 + top) / (2 * top))
      }
    }
  }

  @Test(arguments: [8, 16], [false, true])
  func colorIsReadInOrder(depth: Int, interlaced: Bool) throws {
    let factor = depth == 16 ? 257 : 1
    let png = TestPNG(width: 11, height: 10, bitDepth: depth, colorType: 2, interlaced: interlaced) { x, y, c in
      (x * 20 + y * 3 + c) * factor
    }
    let image = try Image(pngData: png.data)
    #expect((image.width, image.height, image.channels) == (11, 10, 3))
    let expected = (0..<330).map { (index: Int) -> UInt8 in
      let (x, y, c) = (index / 3 % 11, index / 33, index % 3)
      return UInt8(x * 20 + y * 3 + c)
    }
    #expect(image.pixels == expected)
  }

  @Test(arguments: [4, 6], [8, 16])
  func alphaIsLaidOverWhite(colorType: Int, depth: Int) throws {
    for interlaced in [false, true] {
      let factor = depth == 16 ? 257 : 1
      let channels = colorType == 4 ? 1 : 3
      let png = TestPNG(width: 9, height: 9, bitDepth: depth, colorType: colorType, interlaced: interlaced) { x, y, c in
        (c == channels ? [0, 51, 128, 255][y % 4] : x * 30 + c) * factor
      }
      let image = try Image(pngData: png.data)
      #expect(image.channels == channels)
      for (index, value) in image.pixels.enumerated() {
        let (x, y, c) = (index / channels % 9, index / channels / 9, index % channels)
        let alpha = [0, 51, 128, 255][y % 4]
        #expect(Int(value) == ((x * 30 + c) * alpha + 255 * (255 - alpha) + 127) / 255)
      }
    }
  }

  @Test(arguments: [1, 2, 4, 8], [false, true])
  func palettesGiveColor(depth: Int, interlaced: Bool) throws {
    let entries = 1 << min(depth, 4)
    let palette = (0..<entries).flatMap { (entry: Int) -> [UInt8] in
      let value = UInt8(entry) * 16
      return [value, 255 - value, UInt8(entry)]
    }
    let png = TestPNG(
      width: 10, height: 9, bitDepth: depth, colorType: 3, interlaced: interlaced, palette: palette, transparency: [0]
    ) { x, y, _ in (x + y) % entries }
    let image = try Image(pngData: png.data)
    let expected = (0..<90).flatMap { index -> [UInt8] in
      let entry = (index % 10 + index / 10) % entries
      return entry == 0 ? [255, 255, 255] : Array(palette[entry * 3..<entry * 3 + 3])
    }
    #expect(image.channels == 3 && image.pixels == expected)
  }

  @Test func missingFilesDifferFromDamagedOnes() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/a.png"
      #expect(try failure { try Image(contentsOfPNG: path) }.kind == .missing)
      #expect(try failure { try Image(contentsOfPNG: folder) }.kind == .inputOutput)
      for (content, reason) in [(Data(), "empty"), (Data("text that is not a picture".utf8), "not a PNG file")] {
        try content.write(to: URL(fileURLWithPath: path))
        let error = try failure { try Image(contentsOfPNG: path) }
        #expect(error.kind == .data && error.path == path)
        #expect(error.description.contains(path) && error.description.contains(reason))
      }
    }
  }

  @Test func aFailedWriteLeavesTheOldFile() throws {
    try withTemporaryFolder { folder in
      let error = try failure { try Self.picture(2, 2, channels: 1).write(toPNG: folder + "/none/a.png") }
      #expect(error.kind == .inputOutput && error.description.contains("none/a.png"))
    }
  }

  @Test(arguments: [(1 << 31, 1 << 31), (1 << 31 - 1, 1), (1_000_000, 1_000_000), (60_000, 4_000), (0, 5)])
  func absurdSizesAreRefused(width: Int, height: Int) throws {
    var data = TestPNG(width: 1, height: 1) { _, _, _ in 0 }.data
    let sizes = [width, height].flatMap { value in (0..<4).map { UInt8(value >> (24 - 8 * $0) & 255) } }
    data.replaceSubrange(8..<33, with: TestPNG.chunk("IHDR", sizes + [8, 0, 0, 0, 0]))
    #expect(try failure { try Image(pngData: data) }.kind == .data)
  }

  @Test(arguments: [0, 2, 3, 6], [false, true])
  func everyTruncationAndChangedByteIsSafe(colorType: Int, interlaced: Bool) throws {
    let palette = colorType == 3 ? (0..<48).map { UInt8($0) } : []
    let depth = colorType == 6 ? 16 : colorType == 3 ? 4 : 8
    let data = TestPNG(
      width: 7, height: 6, bitDepth: depth, colorType: colorType, interlaced: interlaced, palette: palette
    ) { x, y, c in (x * 31 + y * 17 + c) % 16 }.data
    let whole = try Image(pngData: data)
    let pixels = try #require(data.range(of: Data("IDAT".utf8))).lowerBound
    for length in 0..<data.count {
      #expect(throws: ImageError.self, "cut to \(length) bytes") { try Image(pngData: data.prefix(length)) }
    }
    for index in data.indices {
      for flip in [1, 128, 255] as [UInt8] {
        var changed = data
        changed[index] ^= flip
        if let image = try? Image(pngData: changed) {
          // Every chunk has a check sum, so what a reader may ignore does not change the picture.
          #expect(image == whole && index < pixels - 4)
        }
      }
    }
  }

  private func failure(_ body: () throws -> some Any) throws -> ImageError {
    try #require(#expect(throws: ImageError.self) { try body() })
  }
}
