/// A straight line between two places on a surface.
struct Segment {
  var start, end: Spot

  private var length: Double {
    let (dx, dy) = (end.x - start.x, end.y - start.y)
    return (dx * dx + dy * dy).squareRoot()
  }

  /// The place at a part of the way.
  private func spot(_ part: Double) -> Spot {
    (start.x + part * (end.x - start.x), start.y + part * (end.y - start.y))
  }

  /// The part of the segment within a rectangle, if there is one.
  ///
  /// Liang and Barsky (1984), *A new concept and method for line clipping*.
  func clipped(x: ClosedRange<Double>, y: ClosedRange<Double>) -> Segment? {
    var (low, high) = (0.0, 1.0)
    let (dx, dy) = (end.x - start.x, end.y - start.y)
    for (direction, distance) in [
      (-dx, start.x - x.lowerBound), (dx, x.upperBound - start.x), (-dy, start.y - y.lowerBound),
      (dy, y.upperBound - start.y),
    ] {
      if direction == 0 {
        if distance < 0 { return nil }
      } else if direction < 0 {
        low = max(low, distance / direction)
      } else {
        high = min(high, distance / direction)
      }
    }
    return low <= high ? Segment(start: low == 0 ? start : spot(low), end: high == 1 ? end : spot(high)) : nil
  }

  /// The segments of a line that can be seen in an area, and a little around it.
  static func clipped(_ line: [Spot], to area: PlotArea, reach: Double) -> [Segment] {
    let x = Double(area.left) - reach...Double(area.right) + reach
    let y = Double(area.top) - reach...Double(area.bottom) + reach
    return zip(line, line.dropFirst()).compactMap { Segment(start: $0, end: $1).clipped(x: x, y: y) }
  }

  /// Cuts segments, which follow each other, into dashes and leaves out the gaps.
  static func dashed(_ segments: [Segment], _ pattern: [Double]) -> [Segment] {
    guard !pattern.isEmpty else { return segments }
    var (position, remaining) = (0, pattern[0])
    var result: [Segment] = []
    for segment in segments {
      let length = segment.length
      var passed = 0.0
      while length - passed > 1e-9 {
        let step = min(remaining, length - passed)
        if position % 2 == 0 {
          result.append(Segment(start: segment.spot(passed / length), end: segment.spot((passed + step) / length)))
        }
        (passed, remaining) = (passed + step, remaining - step)
        if remaining < 1e-9 {
          position = (position + 1) % pattern.count
          remaining = pattern[position]
        }
      }
    }
    return result
  }
}
