import Imaging
import Testing

@Suite struct ImageTests {
  @Test func rgbRepeatsGrey() {
    let grey = Image(width: 2, height: 1, channels: 1, pixels: [3, 200])
    #expect(grey.rgb() == Image(width: 2, height: 1, channels: 3, pixels: [3, 3, 3, 200, 200, 200]))
    #expect(grey.rgb().rgb() == grey.rgb())
  }
}

@Suite struct ImageGridTests {
  private func tiles(_ count: Int, channels: Int = 1) -> [Image] {
    (0..<count).map { index in
      Image(
        width: 3, height: 2, channels: channels,
        pixels: (0..<6 * channels).map { UInt8(index * 10 + $0 / channels + $0 % channels) })
    }
  }

  @Test(arguments: [1, 2, 3, 4, 5, 7, 9, 10])
  func columnsDefaultToTheRootOfTheCount(count: Int) {
    let grid = ImageGrid().image(of: tiles(count))
    let columns = [1: 1, 2: 2, 3: 2, 4: 2, 5: 3, 7: 3, 9: 3, 10: 4][count]!
    let rows = (count + columns - 1) / columns
    #expect((grid.width, grid.height) == (columns * 5 + 2, rows * 4 + 2))
  }

  @Test(arguments: [1, 2, 3], [1, 3])
  func everyPixelIsWhereItBelongs(scale: Int, channels: Int) {
    let padding = scale - 1
    let images = tiles(5, channels: channels)
    let grid = ImageGrid(columns: 2, padding: padding, background: 99, scale: scale).image(of: images)
    var expected = [UInt8](repeating: 99, count: grid.pixels.count)
    for (index, image) in images.enumerated() {
      for (offset, value) in image.pixels.enumerated() {
        let (x, y, c) = (offset / channels % 3, offset / channels / 3, offset % channels)
        for dy in 0..<scale {
          for dx in 0..<scale {
            let column = padding + index % 2 * (3 * scale + padding) + x * scale + dx
            let row = padding + index / 2 * (2 * scale + padding) + y * scale + dy
            expected[(row * grid.width + column) * channels + c] = value
          }
        }
      }
    }
    #expect(grid.pixels == expected && grid.channels == channels)
  }
}
