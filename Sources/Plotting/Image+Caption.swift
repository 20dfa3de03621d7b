internal import Files
public import Imaging

extension Image {
  /// The picture under a strip with a caption, as three channels.
  ///
  /// A long caption has several lines.
  public func captioned(_ text: String) -> Image { CaptionedPictures([(text, self)], margin: 0).image() }

  /// Pictures side by side, each under its caption, as three channels on white; no pixel of them changes.
  ///
  /// In each row pictures are aligned at the top. Columns are as wide as their widest picture.
  ///
  /// - Parameters:
  ///   - pictures: the captions and the pictures, which may differ in size.
  ///   - columns: the number of pictures in a row; all by default.
  ///   - title: a line above all of them.
  /// - Precondition: there is a picture, and `columns` is positive.
  public static func panels(
    _ pictures: [(caption: String, image: Image)], columns: Int? = nil, title: String = ""
  ) -> Image {
    demand(!pictures.isEmpty, "there is no picture to draw")
    demand((columns ?? 1) > 0, "panels have at least one column, not \(columns ?? 1)")
    return CaptionedPictures(pictures, columns: columns ?? pictures.count, title: title).image()
  }
}

/// Pictures under captions, in rows.
private struct CaptionedPictures {
  let pictures: [(caption: String, image: Image)]
  var columns = 1
  var title = ""
  var margin = 10

  private let typeface = Typeface()

  init(_ pictures: [(caption: String, image: Image)], columns: Int = 1, title: String = "", margin: Int = 10) {
    (self.pictures, self.columns, self.title, self.margin) = (pictures, columns, title, margin)
  }

  /// The sizes of text, in pixels, suit the widest picture.
  private var size: Double { min(26, max(12, Double(pictures.map(\.image.width).max() ?? 0) / 32)) }

  func image() -> Image {
    let rows = stride(from: 0, to: pictures.count, by: columns).map { start in
      Array(pictures[start..<min(start + columns, pictures.count)])
    }
    let widths = (0..<columns).map { column in
      rows.reduce(0) { widest, row in column < row.count ? max(widest, columnWidth(row[column])) : widest }
    }
    let (columnGap, rowGap, strip) = (max(margin, Int(size * 0.8)), margin > 0 ? Int(size * 0.5) : 0, Int(size * 0.5))
    let width = widths.reduce(0, +) + (columns - 1) * columnGap + 2 * margin
    let heading = TextBlock(title, size: size * 1.15, width: Double(width - 8), typeface)
    var y = heading.lines.isEmpty ? margin : Int(heading.height.rounded(.up)) + 2 * strip
    var captions: [(block: TextBlock, x: Double, y: Double)] = [(heading, Double(width) / 2, Double(strip))]
    var places: [(image: Image, x: Int, y: Int)] = []
    for row in rows {
      let blocks = zip(row, widths).map { TextBlock($0.caption, size: size, width: Double($1 - 4), typeface) }
      let tallest = blocks.reduce(0) { max($0, $1.height) }
      let captionHeight = tallest > 0 ? Int(tallest.rounded(.up)) + 2 * strip : 0
      var x = margin
      for (column, picture) in row.enumerated() {
        let image = picture.image.rgb()
        let left = x + (widths[column] - image.width) / 2
        let bottom = Double(y + captionHeight - strip)
        captions.append((blocks[column], Double(left) + Double(image.width) / 2, bottom - blocks[column].height))
        places.append((image, left, y + captionHeight))
        x += widths[column] + columnGap
      }
      y += captionHeight + (row.map(\.image.height).max() ?? 0) + rowGap
    }
    var canvas = Canvas(width: width, height: y - rowGap + margin, density: 1, typeface: typeface)
    for caption in captions { canvas.text(caption.block, x: caption.x, y: caption.y) }
    return canvas.image().overlaid(with: places)
  }

  /// The width of a column for a picture: captioned pictures of few pixels get room for their longest word.
  private func columnWidth(_ picture: (caption: String, image: Image)) -> Int {
    guard margin > 0 else { return picture.image.width }
    let words = picture.caption.split(separator: " ").map { typeface.width(of: String($0), size: size) }
    return max(picture.image.width, Int(min(words.max() ?? 0, 160).rounded(.up)) + 4)
  }
}

extension Image {
  /// This RGB picture with others in place of a part of its pixels.
  fileprivate func overlaid(with places: [(image: Image, x: Int, y: Int)]) -> Image {
    var pixels = pixels
    for (image, x, y) in places {
      for row in 0..<image.height {
        let (start, target) = (row * image.width * 3, ((y + row) * width + x) * 3)
        pixels.replaceSubrange(target..<target + image.width * 3, with: image.pixels[start..<start + image.width * 3])
      }
    }
    return Image(width: width, height: height, channels: 3, pixels: pixels)
  }
}
