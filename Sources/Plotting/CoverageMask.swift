/// The part of each pixel of an area that shapes cover; where shapes overlap, the larger part counts.
struct CoverageMask {
  /// The area in pixels.
  private let left, top, width, height: Int
  private var parts: [Float]
  /// The first and last covered column of each row.
  private var spans: [(low: Int, high: Int)]

  init(of area: PlotArea, density: Int) {
    (left, top) = (area.left * density, area.top * density)
    (width, height) = (max(0, area.width) * density, max(0, area.height) * density)
    parts = Array(repeating: 0, count: width * height)
    spans = Array(repeating: (Int.max, Int.min), count: height)
  }

  /// Covers the pixels whose centres are inside a shape, and a part of those less than half a pixel outside or inside.
  ///
  /// - Parameters:
  ///   - x: the columns in which the shape lies, in pixels of the surface.
  ///   - y: the rows.
  ///   - columns: narrows the columns for a row's centre.
  ///   - depth: how far inside the shape a point is, in pixels; negative outside.
  mutating func cover(
    x: ClosedRange<Double>, y: ClosedRange<Double>, columns: (Double) -> ClosedRange<Double>? = { _ in nil },
    depth: (_ x: Double, _ y: Double) -> Double
  ) {
    for row in indices(y, from: top, count: height) {
      let center = Double(top + row) + 0.5
      var range = x
      if let narrow = columns(center) {
        let (low, high) = (max(x.lowerBound, narrow.lowerBound), min(x.upperBound, narrow.upperBound))
        if low > high { continue }
        range = low...high
      }
      let (left, width) = (left, width)
      let span = indices(range, from: left, count: width)
      if span.isEmpty { continue }
      spans[row] = (min(spans[row].low, span.lowerBound), max(spans[row].high, span.upperBound - 1))
      parts.withUnsafeMutableBufferPointer { parts in
        for column in span {
          let part = Float(min(1, max(0, depth(Double(left + column) + 0.5, center) + 0.5)))
          let index = row * width + column
          if part > parts[index] { parts[index] = part }
        }
      }
    }
  }

  /// Visits the covered part of each row: its row and first column on the surface, and the parts.
  func forEachRow(_ body: (_ row: Int, _ column: Int, UnsafeBufferPointer<Float>) -> Void) {
    parts.withUnsafeBufferPointer { parts in
      for row in 0..<height where spans[row].low <= spans[row].high {
        let (low, high) = spans[row]
        body(top + row, left + low, UnsafeBufferPointer(rebasing: parts[row * width + low...row * width + high]))
      }
    }
  }

  /// The positions of the pixels that touch a range, comparing as `Double`s first, so that far coordinates do not overflow.
  private func indices(_ range: ClosedRange<Double>, from start: Int, count: Int) -> Range<Int> {
    let low = max(0, (range.lowerBound - Double(start)).rounded(.down))
    let high = min(Double(count), (range.upperBound - Double(start)).rounded(.up))
    return low < high ? Int(low)..<Int(high) : 0..<0
  }
}
