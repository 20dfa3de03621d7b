internal import Files
public import Imaging

/// Curves over a common axis, such as the loss of a training run.
///
/// Points with an infinite or undefined coordinate are left out and interrupt their curve. On a logarithmic vertical
/// axis, so are points that are not positive.
public struct LineChart: Sendable {
  /// One curve.
  public struct Series: Sendable {
    /// The name of the curve in the legend.
    public var name: String
    /// Its points, in the order in which they are joined.
    public var points: [(x: Double, y: Double)]
    /// Whether a dot marks each point of a curve.
    public var showsPoints: Bool

    /// Makes a curve.
    public init(_ name: String, points: [(x: Double, y: Double)], showsPoints: Bool = false) {
      self.name = name
      self.points = points
      self.showsPoints = showsPoints
    }
  }

  /// A shaded strip between two curves, such as the expected range of a prediction.
  public struct Band: Sendable {
    /// The lower and the upper edge, with x rising.
    public var points: [(x: Double, low: Double, high: Double)]

    /// Makes a strip.
    public init(points: [(x: Double, low: Double, high: Double)]) { self.points = points }
  }

  /// How the vertical axis is divided.
  public enum Scale: Sendable {
    /// Equal distances for equal differences.
    case linear
    /// Equal distances for equal ratios.
    case logarithmic
  }

  /// A line above the chart.
  public var title: String
  /// The label of the horizontal axis.
  public var xLabel: String
  /// The curves.
  public var series: [Series]
  /// Strips below the curves; strip i has the colour of curve i.
  public var bands: [Band]
  /// Points that are not joined, drawn over the curves in the colours after those of the curves.
  public var marks: [Series]
  /// How the vertical axis is divided.
  public var yScale: Scale
  /// The range of the vertical axis, at which curves are cut off; if it is nil, the range of the curves with a margin.
  public var yRange: ClosedRange<Double>?
  /// The width of the picture in pixels.
  public var width: Int
  /// The height of the picture in pixels.
  public var height: Int

  /// Makes a chart; the legend is drawn if there is more than one curve or set of points.
  ///
  /// - Precondition: the picture has at least 300 × 200 pixels.
  public init(
    title: String = "", xLabel: String = "", series: [Series], bands: [Band] = [], marks: [Series] = [],
    yScale: Scale = .linear, width: Int = 960, height: Int = 540
  ) {
    demand(width >= 300 && height >= 200, "a chart needs at least 300 × 200 pixels, not \(width) × \(height)")
    self.title = title
    self.xLabel = xLabel
    self.series = series
    self.bands = bands
    self.marks = marks
    self.yScale = yScale
    self.width = width
    self.height = height
  }

  /// Draws the chart: an RGB picture.
  ///
  /// - Precondition: `yRange` is finite and, if the vertical axis is logarithmic, positive.
  /// - Complexity: sorting the points, and time proportional to the picture's size for every curve.
  public func image() -> Image {
    let scale: Axis.Scale = yScale == .linear ? .linear : .logarithmic
    if let yRange {
      demand(
        Axis.shows(yRange.lowerBound, scale: scale) && Axis.shows(yRange.upperBound, scale: scale),
        "a chart cannot show the range \(yRange)")
    }
    let edges = bands.flatMap(\.points).flatMap { [(x: $0.x, y: $0.low), (x: $0.x, y: $0.high)] }
    let shown = ((series + marks).flatMap(\.points) + edges).filter {
      Axis.shows($0.x) && Axis.shows($0.y, scale: scale)
    }
    let x = Axis(Axis.range(of: shown.map(\.x), margin: 0.02), tickCount: width / 130)
    let y = Axis(
      yRange ?? Axis.range(of: shown.map(\.y), scale: scale, margin: 0.05), scale: scale, tickCount: height / 80)
    let area = PlotArea(
      left: PlotFrame.labelWidth(of: y) + 14, top: title.isEmpty ? 18 : 48, right: width - 24,
      bottom: height - (xLabel.isEmpty ? 40 : 64))
    var canvas = Canvas(width: width, height: height)
    let frame = PlotFrame(area: area, x: x, y: y)
    frame.drawGrid(on: &canvas)
    for (index, band) in bands.enumerated() {
      let places = band.points.filter {
        Axis.shows($0.x) && Axis.shows($0.low, scale: scale) && Axis.shows($0.high, scale: scale)
      }.map { (low: frame.position(($0.x, $0.low)), high: frame.position(($0.x, $0.high))) }
      canvas.band(places.map { ($0.low.x, $0.high.y, $0.low.y) }, color(index), alpha: 0.25, within: area)
    }
    for (index, series) in series.enumerated() {
      canvas.polylines(pieces(of: series.points, scale: scale, in: frame), thickness: 2, color(index), within: area)
    }
    for (index, series) in series.enumerated() where series.showsPoints {
      for point in series.points where Axis.shows(point.x) && Axis.shows(point.y, scale: scale) {
        let place = frame.position(point)
        canvas.disc(x: place.x, y: place.y, radius: 4, color(index), alpha: 1, within: area)
      }
    }
    for (index, marks) in marks.enumerated() {
      let radius = marks.points.count <= 40 ? 4.0 : 2  // Few must be found, many kept apart.
      for point in marks.points where Axis.shows(point.x) && Axis.shows(point.y, scale: scale) {
        let place = frame.position(point)
        canvas.disc(x: place.x, y: place.y, radius: radius, color(series.count + index), alpha: 0.9, within: area)
      }
    }
    frame.drawFrame(on: &canvas)
    let middle = (area.left + area.right) / 2
    canvas.text(title, x: middle, y: 18, alignment: .center)
    canvas.text(xLabel, x: middle, y: height - 26, alignment: .center)
    if shown.isEmpty { canvas.text("no data", x: middle, y: (area.top + area.bottom) / 2, alignment: .center) }
    if series.count + marks.count > 1 { drawLegend(on: &canvas, in: frame) }
    return canvas.image()
  }

  private func color(_ index: Int) -> Color { Color.series[index % Color.series.count] }

  /// The unbroken parts of a curve on the surface.
  ///
  /// For each column of pixels only the first, the lowest, the highest and the last point are kept, which gives the
  /// same picture.
  private func pieces(
    of points: [(x: Double, y: Double)], scale: Axis.Scale, in frame: PlotFrame
  ) -> [[(x: Double, y: Double)]] {
    let parts = points.split { !Axis.shows($0.x) || !Axis.shows($0.y, scale: scale) }
    return parts.map { part in
      var result: [(x: Double, y: Double)] = []
      var column: [(x: Double, y: Double)] = []
      func flush() {
        let order = column.indices.sorted { column[$0].y < column[$1].y }
        let kept = Set([column.startIndex, column.endIndex - 1, order.first, order.last].compactMap { $0 })
        result += kept.sorted().map { column[$0] }
        column = []
      }
      for point in part.map(frame.position) {
        if let first = column.first, first.x.rounded() != point.x.rounded() { flush() }
        column.append(point)
      }
      if !column.isEmpty { flush() }
      return result
    }
  }

  /// Draws the legend at the right: at the top, or at the bottom if fewer points are there.
  private func drawLegend(on canvas: inout Canvas, in frame: PlotFrame) {
    let area = frame.area
    let entries = series + marks
    let textWidth = (entries.map { BitmapFont.width(of: $0.name) * 2 }.max() ?? 0)
    let (boxWidth, boxHeight) = (textWidth + 54, entries.count * 22 + 8)
    let left = area.right - boxWidth - 10
    let places = entries.flatMap(\.points).map(frame.position)
    func crowd(_ top: Int) -> Int {
      places.count {
        $0.x >= Double(left) && $0.y >= Double(top) && $0.y <= Double(top + boxHeight)
      }
    }
    let tops = (area.top + 10, area.bottom - boxHeight - 10)
    let top = crowd(tops.0) <= crowd(tops.1) ? tops.0 : tops.1
    canvas.fill(x: left, y: top, width: boxWidth, height: boxHeight, .white, alpha: 0.85)
    canvas.outline(PlotArea(left: left, top: top, right: left + boxWidth, bottom: top + boxHeight), .grid)
    for (index, entry) in entries.enumerated() {
      let y = top + 8 + index * 22
      if index < series.count {
        canvas.fill(x: left + 10, y: y + 5, width: 24, height: 3, color(index))
      } else {
        canvas.disc(x: Double(left + 22), y: Double(y + 6), radius: 3, color(index), alpha: 1, within: area)
      }
      canvas.text(entry.name, x: left + 44, y: y)
    }
  }
}
