/// A frame with two axes, which places numbers on a surface.
struct PlotFrame {
  let area: PlotArea
  let x: Axis
  let y: Axis
  let text: PlotText
  /// Whether the axes have numbers.
  var hasXNumbers = true, hasYNumbers = true

  /// The distance between the frame and the numbers beside it.
  static let gap = 7
  /// The distance from numbers to the label of their axis.
  static let labelGap = 5
  /// The length of the marks at numbers.
  private static let mark = 4.0

  init(area: PlotArea, x: Axis, y: Axis, text: PlotText) {
    (self.area, self.x, self.y, self.text) = (area, x, y, text)
  }

  /// The place of a plot's point on the surface; far points come nearer, so that they can be computed with.
  func position(_ point: (x: Double, y: Double)) -> Spot {
    (
      Double(area.left) + near(x.fraction(of: point.x)) * Double(area.width),
      Double(area.bottom) - near(y.fraction(of: point.y)) * Double(area.height)
    )
  }

  private func near(_ fraction: Double) -> Double { min(1e4, max(-1e4, fraction)) }

  /// The space that numbers at the left take, the gap included.
  static func numbersWidth(of axis: Axis, _ text: PlotText, _ typeface: Typeface) -> Int {
    gap + Int((axis.ticks.map { typeface.width(of: $0.label, size: text.tick) }.max() ?? 0).rounded(.up))
  }

  /// The space that numbers below take, the gap included.
  static func numbersHeight(_ text: PlotText) -> Int { gap + PlotText.height(text.tick) }

  /// An axis over a length with as many numbers as stand beside each other.
  static func horizontalAxis(
    _ range: ClosedRange<Double>, scale: Axis.Scale = .linear, length: Int, _ text: PlotText, _ typeface: Typeface
  ) -> Axis {
    var axis = Axis(range, scale: scale, tickCount: 2)
    for count in stride(from: max(2, min(9, length / 60)), through: 2, by: -1) {
      axis = Axis(range, scale: scale, tickCount: count)
      let ends = axis.ticks.map { tick in
        let middle = axis.fraction(of: tick.value) * Double(length)
        let half = typeface.width(of: tick.label, size: text.tick) / 2 + 0.45 * text.tick
        return (start: middle - half, end: middle + half)
      }
      if zip(ends, ends.dropFirst()).allSatisfy({ $0.end <= $1.start }) { break }
    }
    return axis
  }

  /// An axis over a height with as many numbers as stand above each other.
  static func verticalAxis(
    _ range: ClosedRange<Double>, scale: Axis.Scale = .linear, height: Int, _ text: PlotText
  ) -> Axis {
    Axis(range, scale: scale, tickCount: max(2, min(8, Int(Double(height) / (text.tick * 3.8)))))
  }

  /// Draws the lines at the numbers; the data are drawn over them later.
  func drawGrid(on canvas: inout Canvas) {
    for tick in x.ticks {
      canvas.fill(
        x: column(tick.value) - 0.5, y: Double(area.top), width: 1, height: Double(area.height), .grid)
    }
    for tick in y.ticks {
      canvas.fill(x: Double(area.left), y: row(tick.value) - 0.5, width: Double(area.width), height: 1, .grid)
    }
  }

  /// Draws the frame, the marks and the numbers.
  func drawFrame(on canvas: inout Canvas) {
    canvas.outline(area, .frame)
    func drawMarks(_ values: [Double], on axis: Axis, isHorizontal: Bool, length: Double) {
      for value in values {
        if isHorizontal {
          canvas.fill(x: column(value) - 0.5, y: Double(area.bottom), width: 1, height: length, .frame)
        } else {
          canvas.fill(x: Double(area.left) - length, y: row(value) - 0.5, width: length, height: 1, .frame)
        }
      }
    }
    for (axis, isHorizontal) in [(x, true), (y, false)] {
      drawMarks(axis.ticks.map(\.value), on: axis, isHorizontal: isHorizontal, length: PlotFrame.mark)
      drawMarks(axis.minorTicks, on: axis, isHorizontal: isHorizontal, length: 2.5)
    }
    if hasXNumbers { drawXNumbers(on: &canvas) }
    if hasYNumbers {
      for tick in y.ticks {
        canvas.text(
          tick.label, x: Double(area.left - PlotFrame.gap), y: row(tick.value) - 0.6 * text.tick, size: text.tick,
          alignment: .right)
      }
    }
  }

  /// Draws the numbers below, without those that would touch the one before them, and inside the surface.
  private func drawXNumbers(on canvas: inout Canvas) {
    var free = -Double.infinity
    for tick in x.ticks {
      let width = canvas.typeface.width(of: tick.label, size: text.tick)
      let left = max(1, min(column(tick.value) - width / 2, Double(canvas.width) - width - 1))
      if left < free { continue }
      canvas.text(tick.label, x: left, y: Double(area.bottom + PlotFrame.gap), size: text.tick)
      free = left + width + 0.5 * text.tick
    }
  }

  private func column(_ value: Double) -> Double { Double(area.left) + x.fraction(of: value) * Double(area.width) }

  private func row(_ value: Double) -> Double { Double(area.bottom) - y.fraction(of: value) * Double(area.height) }
}
