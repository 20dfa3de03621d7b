internal import Imaging

/// A surface to draw on, with the origin at the top left.
///
/// Coordinates and lengths are in points; a point is `density` pixels wide and high. Colours are kept in floating point,
/// so that many faint marks add up.
struct Canvas {
  /// The size in points.
  let width, height: Int
  /// The pixels of a point in each direction.
  let density: Int
  let typeface: Typeface
  /// Red, green and blue of each pixel.
  private var values: [Float]

  init(width: Int, height: Int, density: Int, typeface: Typeface) {
    (self.width, self.height, self.density, self.typeface) = (width, height, density, typeface)
    values = Array(repeating: 255, count: width * height * density * density * 3)
  }

  /// The size in pixels.
  var columns: Int { width * density }
  var rows: Int { height * density }

  /// The whole surface.
  var bounds: PlotArea { PlotArea(left: 0, top: 0, right: width, bottom: height) }

  /// Lays a colour over a row of pixels, each by its own part; nothing happens outside the surface.
  mutating func blend(row: Int, from column: Int, _ parts: UnsafeBufferPointer<Float>, _ color: Color, alpha: Float) {
    guard row >= 0, row < rows else { return }
    let columns = columns
    let (first, end) = (max(0, column), min(columns, column + parts.count))
    guard first < end else { return }
    values.withUnsafeMutableBufferPointer { values in
      var target = (row * columns + first) * 3
      for index in first - column..<end - column {
        let part = alpha * parts[index]
        if part > 0 {
          values[target] += part * (color.red - values[target])
          values[target + 1] += part * (color.green - values[target + 1])
          values[target + 2] += part * (color.blue - values[target + 2])
        }
        target += 3
      }
    }
  }

  /// Fills a rectangle, whose edges move to the nearest pixels; it is at least one pixel wide and high.
  mutating func fill(x: Double, y: Double, width: Double, height: Double, _ color: Color, alpha: Float = 1) {
    let scale = Double(density)
    let (left, top) = (Int((x * scale).rounded()), Int((y * scale).rounded()))
    let (right, bottom) = (
      max(left + 1, Int(((x + width) * scale).rounded())), max(top + 1, Int(((y + height) * scale).rounded()))
    )
    let parts = [Float](repeating: 1, count: right - left)
    parts.withUnsafeBufferPointer { parts in
      for row in top..<bottom { blend(row: row, from: left, parts, color, alpha: alpha) }
    }
  }

  /// The outline of a rectangle, just outside it.
  mutating func outline(_ area: PlotArea, thickness: Double = 1, _ color: Color) {
    let (left, top) = (Double(area.left) - thickness, Double(area.top) - thickness)
    let (width, height) = (Double(area.width) + 2 * thickness, Double(area.height) + 2 * thickness)
    fill(x: left, y: top, width: width, height: thickness, color)
    fill(x: left, y: Double(area.bottom), width: width, height: thickness, color)
    fill(x: left, y: Double(area.top), width: thickness, height: height - 2 * thickness, color)
    fill(x: Double(area.right), y: Double(area.top), width: thickness, height: height - 2 * thickness, color)
  }

  /// Lays a colour over the pixels that a mask covers.
  mutating func lay(_ mask: CoverageMask, _ color: Color, alpha: Float = 1) {
    mask.forEachRow { row, column, parts in blend(row: row, from: column, parts, color, alpha: alpha) }
  }

  /// The drawing as an RGB picture.
  func image() -> Image {
    let pixels = [UInt8](unsafeUninitializedCapacity: values.count) { buffer, count in
      values.withUnsafeBufferPointer { values in
        for index in 0..<values.count { buffer[index] = UInt8(min(255, max(0, values[index] + 0.5))) }
      }
      count = values.count
    }
    return Image(width: columns, height: rows, channels: 3, pixels: pixels)
  }
}
