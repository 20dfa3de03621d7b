internal import Imaging

/// A colour with components from 0 to 255.
struct Color: Equatable {
  var red, green, blue: Float

  init(_ red: Float, _ green: Float, _ blue: Float) { (self.red, self.green, self.blue) = (red, green, blue) }

  static let white = Color(255, 255, 255)
  static let ink = Color(38, 38, 42)
  static let frame = Color(150, 150, 156)
  static let grid = Color(232, 232, 236)

  /// Colours that most readers can tell apart, also in grey (after Okabe and Ito 2008, *Color universal design*).
  static let series = [
    Color(0, 114, 178), Color(213, 94, 0), Color(0, 138, 103), Color(190, 90, 150), Color(120, 110, 20),
    Color(70, 160, 210),
  ]
}

/// A surface to draw on, with pixel centres at whole coordinates and the origin at the top left.
///
/// Colours are kept in floating point, so that many faint marks add up.
struct Canvas {
  let width: Int
  let height: Int
  private var colors: [Color]

  init(width: Int, height: Int, background: Color = .white) {
    (self.width, self.height) = (width, height)
    colors = Array(repeating: background, count: width * height)
  }

  /// Lays a colour over a pixel; nothing happens outside the surface.
  mutating func blend(_ x: Int, _ y: Int, _ color: Color, alpha: Float = 1) {
    guard x >= 0, y >= 0, x < width, y < height, alpha > 0 else { return }
    let old = colors[y * width + x]
    colors[y * width + x] = Color(
      old.red + alpha * (color.red - old.red), old.green + alpha * (color.green - old.green),
      old.blue + alpha * (color.blue - old.blue))
  }

  mutating func fill(x: Int, y: Int, width: Int, height: Int, _ color: Color, alpha: Float = 1) {
    for row in y..<y + Swift.max(0, height) {
      for column in x..<x + Swift.max(0, width) { blend(column, row, color, alpha: alpha) }
    }
  }

  /// The outline of a rectangle whose corners are the centres of its corner pixels.
  mutating func outline(_ area: PlotArea, _ color: Color) {
    fill(x: area.left, y: area.top, width: area.width + 1, height: 1, color)
    fill(x: area.left, y: area.bottom, width: area.width + 1, height: 1, color)
    fill(x: area.left, y: area.top + 1, width: 1, height: area.height - 1, color)
    fill(x: area.right, y: area.top + 1, width: 1, height: area.height - 1, color)
  }

  /// A smooth-edged disc, cut off at an area's edges.
  mutating func disc(x: Double, y: Double, radius: Double, _ color: Color, alpha: Float, within area: PlotArea) {
    for row in area.rows(around: y, reach: radius + 1) {
      for column in area.columns(around: x, reach: radius + 1) {
        let (dx, dy) = (Double(column) - x, Double(row) - y)
        let coverage = radius + 0.5 - (dx * dx + dy * dy).squareRoot()
        blend(column, row, color, alpha: alpha * Float(Swift.min(1, Swift.max(0, coverage))))
      }
    }
  }

  /// Smooth-edged lines through points, cut off at an area's edges; one point gives a dot three times as wide.
  ///
  /// Where lines meet they are not drawn twice.
  mutating func polylines(
    _ lines: [[(x: Double, y: Double)]], thickness: Double, _ color: Color, within area: PlotArea
  ) {
    var coverage = [Float](repeating: 0, count: width * height)
    for points in lines {
      guard var start = points.first else { continue }
      if points.count == 1 { cover(&coverage, from: start, to: start, thickness: 3 * thickness, within: area) }
      for end in points.dropFirst() {
        cover(&coverage, from: start, to: end, thickness: thickness, within: area)
        start = end
      }
    }
    for (index, value) in coverage.enumerated() where value > 0 {
      blend(index % width, index / width, color, alpha: value)
    }
  }

  /// Raises the part of each pixel that a segment covers.
  private func cover(
    _ coverage: inout [Float], from start: (x: Double, y: Double), to end: (x: Double, y: Double), thickness: Double,
    within area: PlotArea
  ) {
    let (dx, dy) = (end.x - start.x, end.y - start.y)
    let length = (dx * dx + dy * dy).squareRoot()
    let reach = thickness / 2 + 1
    for row in area.rows(around: (start.y + end.y) / 2, reach: abs(dy) / 2 + reach) {
      // Only the columns near the segment's crossing of this row can be covered.
      var (low, high) = (Swift.min(start.x, end.x), Swift.max(start.x, end.x))
      if abs(dy) > 1e-9 {
        let crossing = start.x + (Double(row) - start.y) * dx / dy
        let slack = reach * length / abs(dy)
        (low, high) = (Swift.max(low - reach, crossing - slack), Swift.min(high + reach, crossing + slack))
      } else {
        (low, high) = (low - reach, high + reach)
      }
      if low > high { continue }
      for column in area.columns(around: (low + high) / 2, reach: (high - low) / 2) {
        let (px, py) = (Double(column) - start.x, Double(row) - start.y)
        let along = length > 0 ? Swift.min(1, Swift.max(0, (px * dx + py * dy) / (length * length))) : 0
        let (ox, oy) = (px - along * dx, py - along * dy)
        let value = Float(thickness / 2 + 0.5 - (ox * ox + oy * oy).squareRoot())
        let index = row * width + column
        coverage[index] = Swift.max(coverage[index], Swift.min(1, value))
      }
    }
  }

  /// A strip between an upper and a lower edge with x rising, cut off at an area's edges; edges between points are straight.
  mutating func band(
    _ points: [(x: Double, top: Double, bottom: Double)], _ color: Color, alpha: Float, within area: PlotArea
  ) {
    for (start, end) in zip(points, points.dropFirst()) where end.x > start.x {
      for column in area.columns(around: (start.x + end.x) / 2, reach: (end.x - start.x) / 2) {
        // A column on the border of two parts belongs to the first.
        if Double(column) == start.x, start.x > points[0].x { continue }
        let part = (Double(column) - start.x) / (end.x - start.x)
        let top = start.top + part * (end.top - start.top)
        let bottom = start.bottom + part * (end.bottom - start.bottom)
        for row in area.rows(around: (top + bottom) / 2, reach: Swift.max(0, bottom - top) / 2) {
          blend(column, row, color, alpha: alpha)
        }
      }
    }
  }

  /// The alignment of a text relative to its position.
  enum Alignment { case left, center, right }

  /// A line of text with its top at `y`, in dots of `scale` pixels.
  mutating func text(
    _ text: String, x: Int, y: Int, alignment: Alignment = .left, scale: Int = 2, _ color: Color = .ink
  ) {
    let width = BitmapFont.width(of: text) * scale
    let left =
      switch alignment {
      case .left: x
      case .center: x - width / 2
      case .right: x - width
      }
    for (index, character) in text.enumerated() {
      for (column, bits) in BitmapFont.columns(of: character).enumerated() {
        for row in 0..<BitmapFont.height where bits >> row & 1 == 1 {
          fill(
            x: left + (index * BitmapFont.advance + column) * scale, y: y + row * scale, width: scale, height: scale,
            color)
        }
      }
    }
  }

  /// The drawing as an RGB picture.
  func image() -> Image {
    let pixels = [UInt8](unsafeUninitializedCapacity: colors.count * 3) { buffer, count in
      for color in colors {
        buffer[count] = Canvas.byte(color.red)
        buffer[count + 1] = Canvas.byte(color.green)
        buffer[count + 2] = Canvas.byte(color.blue)
        count += 3
      }
    }
    return Image(width: width, height: height, channels: 3, pixels: pixels)
  }

  private static func byte(_ value: Float) -> UInt8 { UInt8(Swift.min(255, Swift.max(0, value + 0.5))) }
}
