internal import Files
internal import Foundation
public import Imaging

/// A scalar field over a square of the plane, in colours that show its sign, with arrows of a vector field over it.
///
/// 0 is white, positive values are red and negative values blue; larger magnitudes have stronger colours. A scale
/// beside the plot shows the values. Cells with values that are not finite are grey.
public struct FieldPlot: Sendable {
  /// An arrow, in the units of the plot.
  public struct Arrow: Sendable {
    /// Where it begins.
    public var start: (x: Double, y: Double)
    /// Where it points.
    public var end: (x: Double, y: Double)

    /// Makes an arrow.
    public init(from start: (x: Double, y: Double), to end: (x: Double, y: Double)) {
      (self.start, self.end) = (start, end)
    }
  }

  /// The values in equal cells, the lowest row first and each row from the left: a square number of them.
  public var values: [Double]
  /// The range of both axes.
  public var range: ClosedRange<Double>
  /// The magnitude of the strongest colour; larger values have this colour too.
  public var limit: Double
  /// The arrows.
  public var arrows: [Arrow]
  /// A line above the plot.
  public var title: String?
  /// The width of the picture in pixels; the height follows from the square plot.
  public var width: Int

  /// Makes a plot.
  ///
  /// - Precondition: the number of values is a square number, `width` is at least 300, `range` is finite and not empty,
  ///   `limit` is positive and finite.
  public init(
    values: [Double], range: ClosedRange<Double>, limit: Double, arrows: [Arrow] = [], title: String? = nil,
    width: Int = 720
  ) {
    let side = FieldPlot.side(of: values)
    demand(side > 0 && side * side == values.count, "\(values.count) values do not fill a square of cells")
    demand(width >= 300, "a plot with its scale needs a width of at least 300 pixels, not \(width)")
    demand(
      range.lowerBound < range.upperBound && Axis.shows(range.lowerBound) && Axis.shows(range.upperBound),
      "a plot cannot show the range \(range)")
    demand(limit > 0 && Axis.shows(limit), "a scale of colours cannot end at \(limit)")
    self.values = values
    self.range = range
    self.limit = limit
    self.arrows = arrows
    self.title = title
    self.width = width
  }

  /// The centre of each cell along an axis that is divided into a number of them.
  public static func cellCenters(of range: ClosedRange<Double>, count: Int) -> [Double] {
    let width = (range.upperBound - range.lowerBound) / Double(count)
    return (0..<count).map { range.lowerBound + (Double($0) + 0.5) * width }
  }

  private static func side(of values: [Double]) -> Int { Int(Double(values.count).squareRoot().rounded()) }

  /// Draws the plot: an RGB picture.
  public func image() -> Image {
    let axis = Axis(range, tickCount: 6)
    let scale = Axis(-limit...limit, tickCount: 4)
    let left = PlotFrame.labelWidth(of: axis) + 14
    let top = title == nil ? 14 : 44
    let side = width - left - FieldPlot.barWidth - PlotFrame.labelWidth(of: scale) - 10
    let area = PlotArea(left: left, top: top, right: left + side, bottom: top + side)
    var canvas = Canvas(width: width, height: area.bottom + 40)
    let frame = PlotFrame(area: area, x: axis, y: axis)
    drawCells(on: &canvas, within: area)
    canvas.polylines(arrows.flatMap { lines(of: $0, in: frame) }, thickness: 1.2, .ink, within: area)
    frame.drawFrame(on: &canvas)
    drawScale(scale, on: &canvas, beside: area)
    if let title { canvas.text(title, x: (area.left + area.right) / 2, y: 16, alignment: .center) }
    return canvas.image()
  }

  private func drawCells(on canvas: inout Canvas, within area: PlotArea) {
    let count = FieldPlot.side(of: values)
    for y in area.top...area.bottom {
      let row = min(count - 1, (area.bottom - y) * count / max(1, area.height))
      for x in area.left...area.right {
        let column = min(count - 1, (x - area.left) * count / max(1, area.width))
        canvas.blend(x, y, color(of: values[row * count + column]))
      }
    }
  }

  /// The distance from the plot to the scale and the scale's width.
  private static let barWidth = 18 + 16

  private func drawScale(_ scale: Axis, on canvas: inout Canvas, beside area: PlotArea) {
    let bar = PlotArea(
      left: area.right + 18, top: area.top, right: area.right + FieldPlot.barWidth, bottom: area.bottom)
    func row(_ value: Double) -> Int {
      bar.bottom - Int((scale.fraction(of: value) * Double(bar.height)).rounded())
    }
    for y in bar.top...bar.bottom {
      let value = limit * (1 - 2 * Double(y - bar.top) / Double(max(1, bar.height)))
      canvas.fill(x: bar.left, y: y, width: bar.width + 1, height: 1, color(of: value))
    }
    canvas.outline(bar, .frame)
    for tick in scale.ticks {
      canvas.fill(x: bar.right, y: row(tick.value), width: 5, height: 1, .frame)
      canvas.text(tick.label, x: bar.right + PlotFrame.gap, y: row(tick.value) - 7)
    }
  }

  /// White to red for positive values, white to blue for negative ones.
  private func color(of value: Double) -> Color {
    guard value.isFinite else { return .frame }
    let strength = Float(min(1, abs(value) / limit))
    let full = value > 0 ? Color(190, 50, 20) : Color(0, 80, 170)
    func mix(_ component: Float) -> Float { 255 + strength * (component - 255) }
    return Color(mix(full.red), mix(full.green), mix(full.blue))
  }

  /// The shaft and the head.
  private func lines(of arrow: Arrow, in frame: PlotFrame) -> [[(x: Double, y: Double)]] {
    guard [arrow.start, arrow.end].allSatisfy({ Axis.shows($0.x) && Axis.shows($0.y) }) else { return [] }
    let (start, end) = (frame.position(arrow.start), frame.position(arrow.end))
    let (dx, dy) = (end.x - start.x, end.y - start.y)
    let length = (dx * dx + dy * dy).squareRoot()
    guard length > 1 else { return [] }
    let head = min(5, length * 0.4) / length
    func barb(_ side: Double) -> (x: Double, y: Double) {
      (end.x - head * (dx - side * 0.6 * dy), end.y - head * (dy + side * 0.6 * dx))
    }
    return [[start, end], [barb(1), end, barb(-1)]]
  }
}
