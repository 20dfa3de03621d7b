/// A rectangle of a surface, in points.
struct PlotArea: Equatable {
  let left, top, right, bottom: Int

  var width: Int { right - left }
  var height: Int { bottom - top }
  var centerX: Double { Double(left + right) / 2 }
  var centerY: Double { Double(top + bottom) / 2 }

  var x: ClosedRange<Double> { Double(left)...Double(max(left, right)) }
  var y: ClosedRange<Double> { Double(top)...Double(max(top, bottom)) }

  /// The rectangle with a border, or without one.
  func grown(by border: Int) -> PlotArea {
    PlotArea(left: left - border, top: top - border, right: right + border, bottom: bottom + border)
  }
}
