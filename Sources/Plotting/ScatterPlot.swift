internal import Files
public import Imaging

/// Points of the plane as small translucent dots, so that their density shows.
///
/// Both axes have the same scale. Points with an infinite or undefined coordinate are left out.
public struct ScatterPlot: Sendable {
  /// The points.
  public var points: [(x: Double, y: Double)]
  /// The range of both axes; if it is nil, the smallest square around the points with a margin.
  public var range: ClosedRange<Double>?
  /// A line above the plot.
  public var title: String?
  /// The width and height of the picture in pixels.
  public var size: Int

  /// Makes a plot.
  ///
  /// - Precondition: `size` is at least 200; `range` is finite and not empty.
  public init(
    points: [(x: Double, y: Double)], range: ClosedRange<Double>? = nil, title: String? = nil, size: Int = 720
  ) {
    demand(size >= 200, "a plot needs at least 200 pixels, not \(size)")
    if let range {
      demand(
        range.lowerBound < range.upperBound && Axis.shows(range.lowerBound) && Axis.shows(range.upperBound),
        "a plot cannot show the range \(range)")
    }
    self.points = points
    self.range = range
    self.title = title
    self.size = size
  }

  /// Draws the plot: a square RGB picture.
  public func image() -> Image {
    let shown = points.filter { Axis.shows($0.x) && Axis.shows($0.y) }
    let (rangeX, rangeY) = range.map { ($0, $0) } ?? ScatterPlot.square(around: shown)
    let (x, y) = (Axis(rangeX, tickCount: 6), Axis(rangeY, tickCount: 6))
    // A square inside the square picture, right of and above the labels and below the title.
    let left = PlotFrame.labelWidth(of: y) + 14
    let top = title == nil ? 14 : 44
    let side = min(size - left - 24, size - top - 40)
    let (slackX, slackY) = (size - left - 24 - side, size - top - 40 - side)
    let area = PlotArea(
      left: left + slackX / 2, top: top + slackY / 2, right: left + slackX / 2 + side, bottom: top + slackY / 2 + side)
    var canvas = Canvas(width: size, height: size)
    let frame = PlotFrame(area: area, x: x, y: y)
    frame.drawGrid(on: &canvas)
    let radius = Double(size) / 450
    let alpha = Float(min(0.85, max(0.04, 28 / Double(max(1, shown.count)).squareRoot())))
    for point in shown {
      let place = frame.position(point)
      canvas.disc(x: place.x, y: place.y, radius: radius, Color.series[0], alpha: alpha, within: area)
    }
    frame.drawFrame(on: &canvas)
    if let title { canvas.text(title, x: (area.left + area.right) / 2, y: 16, alignment: .center) }
    return canvas.image()
  }

  /// Ranges of one length around the points.
  private static func square(
    around points: [(x: Double, y: Double)]
  ) -> (ClosedRange<Double>, ClosedRange<Double>) {
    let ranges = [points.map(\.x), points.map(\.y)].map { Axis.range(of: $0, margin: 0.04) }
    let half = ranges.map { ($0.upperBound - $0.lowerBound) / 2 }.max() ?? 1
    let centers = ranges.map { $0.lowerBound / 2 + $0.upperBound / 2 }
    return ((centers[0] - half)...(centers[0] + half), (centers[1] - half)...(centers[1] + half))
  }
}
