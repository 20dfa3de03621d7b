internal import Files
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
  /// The labels of the axes, and of the scale of colours.
  public var xLabel = "", yLabel = "", valueLabel = ""
  /// The width of the picture in points; the height follows from the square plot.
  public var width: Int
  /// The pixels of a point of the picture in each direction.
  public var density = 2

  /// Makes a plot.
  ///
  /// - Precondition: the number of values is a square number, `width` is at least 300, `range` is finite and not empty,
  ///   `limit` is positive and finite.
  public init(
    values: [Double], range: ClosedRange<Double>, limit: Double, arrows: [Arrow] = [], title: String? = nil,
    width: Int = 480
  ) {
    let side = FieldPlot.side(of: values)
    demand(side > 0 && side * side == values.count, "\(values.count) values do not fill a square of cells")
    demand(width >= 300, "a plot with its scale needs a width of at least 300 points, not \(width)")
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
  public func image() -> Image { Panels([self], columns: 1, width: width).image() }

  /// Draws cells and arrows into a frame of the plot's range, with the colours of a limit.
  func drawField(on canvas: inout Canvas, in frame: PlotFrame, limit: Double) {
    let count = FieldPlot.side(of: values)
    let area = frame.area
    let (low, high) = (
      frame.position((range.lowerBound, range.lowerBound)), frame.position((range.upperBound, range.upperBound))
    )
    let (width, height) = ((high.x - low.x) / Double(count), (low.y - high.y) / Double(count))
    for row in 0..<count {
      for column in 0..<count {
        // Edges are computed alike for neighbours, so that no gap is between them.
        let (left, right) = (low.x + Double(column) * width, low.x + Double(column + 1) * width)
        let (bottom, top) = (low.y - Double(row) * height, low.y - Double(row + 1) * height)
        let (x, y) = (max(left, area.x.lowerBound), max(top, area.y.lowerBound))
        let (endX, endY) = (min(right, area.x.upperBound), min(bottom, area.y.upperBound))
        guard x < endX, y < endY else { continue }
        canvas.fill(
          x: x, y: y, width: endX - x, height: endY - y,
          ColorScale.color(of: values[row * count + column], limit: limit))
      }
    }
    canvas.polylines(arrows.flatMap { lines(of: $0, in: frame) }, thickness: 1, .ink, within: area)
  }

  /// The shaft and the head.
  private func lines(of arrow: Arrow, in frame: PlotFrame) -> [[Spot]] {
    guard [arrow.start, arrow.end].allSatisfy({ Axis.shows($0.x) && Axis.shows($0.y) }) else { return [] }
    let (start, end) = (frame.position(arrow.start), frame.position(arrow.end))
    let (dx, dy) = (end.x - start.x, end.y - start.y)
    let length = (dx * dx + dy * dy).squareRoot()
    guard length > 1 else { return [] }
    let head = min(4, length * 0.4) / length
    func barb(_ side: Double) -> Spot {
      (end.x - head * (dx - side * 0.6 * dy), end.y - head * (dy + side * 0.6 * dx))
    }
    return [[start, end], [barb(1), end, barb(-1)]]
  }
}
