internal import Files
public import Imaging

/// Curves over a common axis, such as the loss of a training run.
///
/// Points with an infinite or undefined coordinate are left out and interrupt their curve. On a logarithmic axis, so are
/// points that are not positive.
///
/// The legend is drawn if there is more than one curve or set of points: where it covers nothing that is drawn, or else
/// above the plot. Texts that are too long are broken into lines, or become smaller.
public struct LineChart: Sendable {
  /// One curve.
  public struct Series: Sendable {
    /// The name of the curve in the legend.
    public var name: String
    /// Its points, in the order in which they are joined.
    public var points: [(x: Double, y: Double)]
    /// Whether a dot marks each point of a curve.
    public var showsPoints: Bool
    /// Half the height of the bar through each point, such as a standard error; missing ones have no bar.
    public var errors: [Double] = []
    /// The values before they were smoothed, joined by a faint line beneath the curve.
    public var raw: [(x: Double, y: Double)] = []
    /// Whether the curve is broken, as one that others are compared with.
    public var isDashed = false

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

  /// How an axis is divided.
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
  /// The label of the vertical axis, written upwards.
  public var yLabel: String
  /// The curves.
  public var series: [Series]
  /// Strips below the curves; strip i has the colour of curve i.
  public var bands: [Band]
  /// Points that are not joined, drawn over the curves in the colours after those of the curves.
  public var marks: [Series]
  /// How the horizontal axis is divided.
  public var xScale: Scale
  /// How the vertical axis is divided.
  public var yScale: Scale
  /// The range of the horizontal axis, at which curves are cut off; if it is nil, the range of the curves with a margin.
  public var xRange: ClosedRange<Double>?
  /// The range of the vertical axis, at which curves are cut off; if it is nil, the range of the curves with a margin.
  public var yRange: ClosedRange<Double>?
  /// Parts of the horizontal axis over which the plot is shaded.
  public var shadedX: [ClosedRange<Double>] = []
  /// The width of the picture in points.
  public var width: Int
  /// The height of the picture in points.
  public var height: Int
  /// The pixels of a point in each direction.
  public var density = 2

  /// Makes a chart.
  ///
  /// - Precondition: the picture has at least 300 × 200 points.
  public init(
    title: String = "", xLabel: String = "", yLabel: String = "", series: [Series], bands: [Band] = [],
    marks: [Series] = [], xScale: Scale = .linear, yScale: Scale = .linear, width: Int = 640, height: Int = 400
  ) {
    demand(width >= 300 && height >= 200, "a chart needs at least 300 × 200 points, not \(width) × \(height)")
    self.title = title
    self.xLabel = xLabel
    self.yLabel = yLabel
    self.series = series
    self.bands = bands
    self.marks = marks
    self.xScale = xScale
    self.yScale = yScale
    self.width = width
    self.height = height
  }

  /// Draws the chart: an RGB picture of `width` × `height` points of `density`² pixels.
  ///
  /// - Precondition: `xRange` and `yRange` are finite and, on logarithmic axes, positive; `density` is positive.
  /// - Complexity: sorting the points, and time proportional to the picture's size for every curve.
  public func image() -> Image {
    demand(density > 0, "a point has at least one pixel, not \(density)")
    for (range, scale) in [(xRange, xScale), (yRange, yScale)] {
      guard let range else { continue }
      demand(
        Axis.shows(range.lowerBound, scale: scale) && Axis.shows(range.upperBound, scale: scale),
        "a chart cannot show the range \(range)")
    }
    return ChartDrawing(self).image()
  }
}

extension LineChart.Series {
  /// The running mean of noisy values, over the values themselves as a faint line.
  ///
  /// The mean is taken over a twentieth of the points, centred, and over fewer near the ends. More than 1,000 points are
  /// first averaged in 1,000 parts.
  public static func smoothed(_ name: String, points: [(x: Double, y: Double)]) -> Self {
    let shown = points.filter { Axis.shows($0.x) && Axis.shows($0.y) }
    let parts = min(1000, shown.count)
    let means = (0..<parts).map { part in
      mean(shown[part * shown.count / parts..<(part + 1) * shown.count / parts])
    }
    let reach = means.count / 40
    var series = Self(
      name,
      points: means.indices.map { index in
        let near = min(reach, index, means.count - 1 - index)
        return (means[index].x, mean(means[index - near...index + near]).y)
      })
    if reach > 0 { series.raw = points }
    return series
  }

  private static func mean(_ points: ArraySlice<(x: Double, y: Double)>) -> (x: Double, y: Double) {
    let share = 1 / Double(points.count)
    return points.reduce(into: (x: 0, y: 0)) { sum, point in
      sum = (sum.x + share * point.x, sum.y + share * point.y)
    }
  }
}
