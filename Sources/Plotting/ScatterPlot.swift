internal import Files
public import Imaging

/// Points of the plane as small translucent dots, so that their density shows.
///
/// Both axes have the same scale. Points with an infinite or undefined coordinate are left out. Other points, such as the
/// data of a model, can stand in grey behind them; a legend above the plot then names both.
public struct ScatterPlot: Sendable {
  /// The points.
  public var points: [(x: Double, y: Double)]
  /// Points in grey, beneath the others.
  public var backdrop: [(x: Double, y: Double)]
  /// What the legend calls the points and the backdrop.
  public var names = (points: "samples", backdrop: "data")
  /// The range of both axes; if it is nil, the smallest square around the points with a margin.
  public var range: ClosedRange<Double>?
  /// A line above the plot.
  public var title: String?
  /// The labels of the axes.
  public var xLabel = "", yLabel = ""
  /// The width and height of the picture in points.
  public var size: Int
  /// The pixels of a point of the picture in each direction.
  public var density = 2

  /// Makes a plot.
  ///
  /// - Precondition: `size` is at least 200; `range` is finite and not empty.
  public init(
    points: [(x: Double, y: Double)], over backdrop: [(x: Double, y: Double)] = [],
    range: ClosedRange<Double>? = nil, title: String? = nil, size: Int = 440
  ) {
    demand(size >= 200, "a plot needs at least 200 points, not \(size)")
    if let range {
      demand(
        range.lowerBound < range.upperBound && Axis.shows(range.lowerBound) && Axis.shows(range.upperBound),
        "a plot cannot show the range \(range)")
    }
    self.points = points
    self.backdrop = backdrop
    self.range = range
    self.title = title
    self.size = size
  }

  /// Draws the plot: a square RGB picture.
  public func image() -> Image {
    var panels = Panels([self], columns: 1, width: size)
    panels.height = size
    return panels.image()
  }

  /// All points that can be shown.
  private var shown: [(x: Double, y: Double)] { (points + backdrop).filter { Axis.shows($0.x) && Axis.shows($0.y) } }

  /// The ranges of the axes, of one length: the given one, or those of a square around the points of all plots.
  static func ranges(of plots: [ScatterPlot]) -> (x: ClosedRange<Double>, y: ClosedRange<Double>) {
    let given = plots.compactMap(\.range)
    if let low = given.map(\.lowerBound).min(), let high = given.map(\.upperBound).max() {
      return (low...high, low...high)
    }
    let points = plots.flatMap(\.shown)
    let ranges = [points.map(\.x), points.map(\.y)].map { Axis.range(of: $0, margin: 0.04) }
    let half = ranges.map { ($0.upperBound - $0.lowerBound) / 2 }.max() ?? 1
    let centers = ranges.map { $0.lowerBound / 2 + $0.upperBound / 2 }
    return (centers[0] - half...centers[0] + half, centers[1] - half...centers[1] + half)
  }

  /// The names of points and backdrop, where there is one.
  var legendEntries: [Legend.Entry] {
    backdrop.isEmpty
      ? []
      : [
        Legend.Entry(name: names.backdrop, color: .backdrop, marker: .disc),
        Legend.Entry(name: names.points, color: Color.series[0], marker: .disc),
      ]
  }

  /// Draws the points into a frame.
  func drawPoints(on canvas: inout Canvas, in frame: PlotFrame) {
    let radius = min(1.6, max(0.8, Double(frame.area.width) / 300))
    func draw(_ points: [(x: Double, y: Double)], _ color: Color, strength: Float) {
      let shown = points.filter { Axis.shows($0.x) && Axis.shows($0.y) }
      let alpha = strength * min(0.85, max(0.04, 28 / Float(max(1, shown.count)).squareRoot()))
      canvas.markers(shown.map(frame.position), radius: radius, color, alpha: alpha, within: frame.area)
    }
    draw(backdrop, .backdrop, strength: 0.9)
    draw(points, Color.series[0], strength: 1)
  }
}
