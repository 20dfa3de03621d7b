/// A place on a surface, in points.
typealias Spot = (x: Double, y: Double)

/// The shape of a mark.
enum Marker: CaseIterable { case disc, square, triangle, diamond }

extension Canvas {
  /// Smooth-edged marks, cut off at an area's edges; each is laid over the others, so that their density shows.
  mutating func markers(
    _ spots: [Spot], _ shape: Marker = .disc, radius: Double, _ color: Color, alpha: Float, within area: PlotArea
  ) {
    for spot in spots {
      let reach = Int(radius) + 2
      let near = PlotArea(
        left: max(area.left, Int(spot.x) - reach), top: max(area.top, Int(spot.y) - reach),
        right: min(area.right, Int(spot.x) + reach), bottom: min(area.bottom, Int(spot.y) + reach))
      guard near.width > 0, near.height > 0 else { continue }
      var mask = CoverageMask(of: near, density: density)
      mask.cover(marker: shape, at: spot, radius: radius, density: density)
      lay(mask, color, alpha: alpha)
    }
  }

  /// Smooth-edged lines through points, cut off at an area's edges; one point gives a dot three times as wide.
  ///
  /// Where lines meet they are not drawn twice.
  ///
  /// - Parameter dashes: the lengths of dashes and gaps by turns; none for unbroken lines.
  mutating func polylines(
    _ lines: [[Spot]], thickness: Double, dashes: [Double] = [], _ color: Color, alpha: Float = 1,
    within area: PlotArea
  ) {
    guard area.width > 0, area.height > 0 else { return }
    var mask = CoverageMask(of: area, density: density)
    for line in lines where line.count == 1 {
      mask.cover(marker: .disc, at: line[0], radius: 1.5 * thickness, density: density)
    }
    for segment in Segment.dashed(lines.flatMap { Segment.clipped($0, to: area, reach: thickness + 2) }, dashes) {
      mask.cover(segment, thickness: thickness, density: density)
    }
    lay(mask, color, alpha: alpha)
  }

  /// A strip between an upper and a lower edge with x rising, cut off at an area's edges; edges are straight between points.
  mutating func band(
    _ points: [(x: Double, top: Double, bottom: Double)], _ color: Color, alpha: Float, within area: PlotArea
  ) {
    let scale = Double(density)
    var mask = CoverageMask(of: area, density: density)
    for (start, end) in zip(points, points.dropFirst()) where end.x > start.x {
      mask.cover(
        x: start.x * scale...end.x * scale,
        y: min(start.top, end.top) * scale - 1...max(start.bottom, end.bottom) * scale + 1
      ) { x, y in
        let part = min(1, max(0, (x / scale - start.x) / (end.x - start.x)))
        let top = start.top + part * (end.top - start.top)
        let bottom = start.bottom + part * (end.bottom - start.bottom)
        return min(y - top * scale, bottom * scale - y)
      }
    }
    lay(mask, color, alpha: alpha)
  }
}

extension CoverageMask {
  /// Covers a mark of about the area of a disc of a radius.
  mutating func cover(marker: Marker, at spot: Spot, radius: Double, density: Int) {
    let scale = Double(density)
    let (x, y, r) = (spot.x * scale, spot.y * scale, radius * scale)
    let reach = 1.6 * r + 1
    cover(x: x - reach...x + reach, y: y - reach...y + reach) { column, row in
      let (dx, dy) = (column - x, row - y)
      switch marker {
      case .disc: return r - (dx * dx + dy * dy).squareRoot()
      case .square: return 0.89 * r - max(abs(dx), abs(dy))
      case .diamond: return (1.3 * r - abs(dx) - abs(dy)) * 0.7071
      case .triangle: return min(0.72 * r - dy, 0.72 * r + 0.5 * dy - 0.866 * abs(dx))
      }
    }
  }

  /// Covers a segment with round ends.
  mutating func cover(_ segment: Segment, thickness: Double, density: Int) {
    let scale = Double(density)
    let (startX, startY) = (segment.start.x * scale, segment.start.y * scale)
    let (dx, dy) = (segment.end.x * scale - startX, segment.end.y * scale - startY)
    let square = dx * dx + dy * dy
    let radius = thickness * scale / 2
    let reach = radius + 1
    func columns(_ row: Double) -> ClosedRange<Double>? {
      // Only the columns near the segment's crossing of the row can be covered.
      guard abs(dy) > 1e-9 else { return nil }
      let crossing = startX + (row - startY) * dx / dy
      let slack = reach * square.squareRoot() / abs(dy)
      return crossing - slack...crossing + slack
    }
    cover(
      x: min(startX, startX + dx) - reach...max(startX, startX + dx) + reach,
      y: min(startY, startY + dy) - reach...max(startY, startY + dy) + reach, columns: columns
    ) { x, y in
      let (px, py) = (x - startX, y - startY)
      let along = square > 0 ? min(1, max(0, (px * dx + py * dy) / square)) : 0
      let (ox, oy) = (px - along * dx, py - along * dy)
      return radius - (ox * ox + oy * oy).squareRoot()
    }
  }
}
