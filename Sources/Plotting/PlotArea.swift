/// The part of a surface that a plot's frame encloses, from the centres of its corner pixels.
struct PlotArea {
  let left, top, right, bottom: Int

  var width: Int { right - left }
  var height: Int { bottom - top }

  /// The rows of the area within a distance of a coordinate.
  func rows(around y: Double, reach: Double) -> Range<Int> { PlotArea.span(y, reach, top, bottom) }

  /// The columns of the area within a distance of a coordinate.
  func columns(around x: Double, reach: Double) -> Range<Int> { PlotArea.span(x, reach, left, right) }

  private static func span(_ center: Double, _ reach: Double, _ low: Int, _ high: Int) -> Range<Int> {
    // Comparing as Doubles first keeps far coordinates from overflowing.
    let start = max(Double(low), (center - reach).rounded(.up))
    let end = min(Double(high), (center + reach).rounded(.down))
    return start <= end ? Int(start)..<Int(end) + 1 : 0..<0
  }
}

/// A frame with two axes, which places numbers on a surface.
struct PlotFrame {
  let area: PlotArea
  let x: Axis
  let y: Axis

  /// The distance between the frame and the text beside it.
  static let gap = 8

  /// The height of a line of text.
  static let textHeight = 16

  /// The place of a plot's point on the surface.
  func position(_ point: (x: Double, y: Double)) -> (x: Double, y: Double) {
    (
      Double(area.left) + x.fraction(of: point.x) * Double(area.width),
      Double(area.bottom) - y.fraction(of: point.y) * Double(area.height)
    )
  }

  /// The space that the labels of an axis take beside it.
  static func labelWidth(of axis: Axis) -> Int {
    (axis.ticks.map { BitmapFont.width(of: $0.label) * 2 }.max() ?? 0) + gap + 4
  }

  /// Draws the lines at the ticks; the data are drawn over them later.
  func drawGrid(on canvas: inout Canvas) {
    for tick in x.ticks {
      canvas.fill(x: column(tick), y: area.top, width: 1, height: area.height, .grid)
    }
    for tick in y.ticks {
      canvas.fill(x: area.left, y: row(tick), width: area.width, height: 1, .grid)
    }
  }

  /// Draws the frame, the tick marks and their labels.
  func drawFrame(on canvas: inout Canvas) {
    canvas.outline(area, .frame)
    var free = Int.min
    for tick in x.ticks {
      canvas.fill(x: column(tick), y: area.bottom, width: 1, height: 5, .frame)
      // Labels that would touch the label before them are left out.
      let width = BitmapFont.width(of: tick.label) * 2
      let left = min(column(tick) - width / 2, canvas.width - width - 2)
      if left < free { continue }
      canvas.text(tick.label, x: left, y: area.bottom + PlotFrame.gap + 2)
      free = left + width + 12
    }
    for tick in y.ticks {
      canvas.fill(x: area.left - 4, y: row(tick), width: 4, height: 1, .frame)
      canvas.text(tick.label, x: area.left - PlotFrame.gap, y: row(tick) - 7, alignment: .right)
    }
  }

  private func column(_ tick: Axis.Tick) -> Int {
    area.left + Int((x.fraction(of: tick.value) * Double(area.width)).rounded())
  }

  private func row(_ tick: Axis.Tick) -> Int {
    area.bottom - Int((y.fraction(of: tick.value) * Double(area.height)).rounded())
  }
}
