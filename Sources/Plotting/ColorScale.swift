/// The colours of a signed value up to a limit, and the bar that explains them.
struct ColorScale {
  let limit: Double
  let label: String
  let text: PlotText
  private let axis: Axis

  static let distance = 14, barWidth = 13

  init(limit: Double, label: String, height: Int, _ text: PlotText) {
    (self.limit, self.label, self.text) = (limit, label, text)
    axis = PlotFrame.verticalAxis(-limit...limit, height: height, text)
  }

  /// White to red for positive values, white to blue for negative ones, grey for those that are not finite.
  static func color(of value: Double, limit: Double) -> Color {
    guard value.isFinite else { return .undefined }
    let full = value > 0 ? Color(178, 24, 43) : Color(5, 80, 165)
    return Color.white.mixed(with: full, Float(min(1, abs(value) / limit)))
  }

  /// The space beside a plot: the distance to it, the bar, the numbers and the label.
  func width(_ typeface: Typeface) -> Int {
    ColorScale.distance + ColorScale.barWidth + PlotFrame.numbersWidth(of: axis, text, typeface)
      + (label.isEmpty ? 0 : PlotText.height(text.label) + PlotFrame.labelGap)
  }

  /// Draws the bar at the right of an area, as high as the area.
  func draw(on canvas: inout Canvas, beside area: PlotArea) {
    let left = area.right + ColorScale.distance
    let bar = PlotArea(left: left, top: area.top, right: left + ColorScale.barWidth, bottom: area.bottom)
    let rows = bar.height * canvas.density
    for row in 0..<rows {
      let value = limit * (1 - 2 * (Double(row) + 0.5) / Double(rows))
      canvas.fill(
        x: Double(bar.left), y: Double(bar.top) + Double(row) / Double(canvas.density), width: Double(bar.width),
        height: 1 / Double(canvas.density), ColorScale.color(of: value, limit: limit))
    }
    canvas.outline(bar, .frame)
    for tick in axis.ticks {
      let y = Double(bar.bottom) - axis.fraction(of: tick.value) * Double(bar.height)
      canvas.fill(x: Double(bar.right), y: y - 0.5, width: 4, height: 1, .frame)
      canvas.text(tick.label, x: Double(bar.right + PlotFrame.gap), y: y - 0.6 * text.tick, size: text.tick)
    }
    let block = TextBlock(
      label, size: text.label, width: Double(area.height), height: Double(PlotText.height(text.label)),
      canvas.typeface)
    canvas.upwardText(
      block,
      x: Double(bar.right + PlotFrame.numbersWidth(of: axis, text, canvas.typeface) + PlotFrame.labelGap),
      y: area.centerY)
  }
}
