internal import Files
public import Imaging

/// Plots of one kind side by side, with one range, one scale of colours and one legend for all.
///
/// Numbers and labels stand at the left column and below the lowest panels. Each panel keeps its title.
public struct Panels: Sendable {
  enum Content: Sendable {
    case points(ScatterPlot)
    case field(FieldPlot)
  }

  let contents: [Content]
  /// The number of panels in a row.
  public var columns: Int
  /// A line above all panels.
  public var title = ""
  /// The width of the picture in points; the height follows from the square panels.
  public var width: Int
  /// The pixels of a point of the picture in each direction.
  public var density: Int
  /// The height of the picture, which a single panel need not fill.
  var height: Int?

  /// Plots of points, with a range that holds the ranges of all or, where none is given, all points.
  ///
  /// Labels are the first plot's. The sizes of the plots are not used.
  ///
  /// - Parameter columns: by default as many as make about two rows, at most 4.
  /// - Precondition: there is a plot, and a panel is at least 100 points wide.
  public init(_ plots: [ScatterPlot], columns: Int? = nil, width: Int = 880) {
    self.init(plots.map { .points($0) }, columns, width, density: plots.first?.density ?? 2)
  }

  /// Fields, with a range that holds the ranges of all, and the largest limit of their colours.
  ///
  /// Labels are the first plot's. The widths of the plots are not used.
  ///
  /// - Parameter columns: by default as many as make about two rows, at most 4.
  /// - Precondition: there is a plot, and a panel is at least 100 points wide.
  public init(_ plots: [FieldPlot], columns: Int? = nil, width: Int = 880) {
    self.init(plots.map { .field($0) }, columns, width, density: plots.first?.density ?? 2)
  }

  private init(_ contents: [Content], _ columns: Int?, _ width: Int, density: Int) {
    demand(!contents.isEmpty, "there is no plot to draw")
    demand((columns ?? 1) > 0, "panels have at least one column, not \(columns ?? 1)")
    self.contents = contents
    let count = contents.count
    self.columns = min(count, columns ?? (count <= 3 ? count : max(2, min(4, (count + 1) / 2))))
    self.width = width
    self.density = density
    demand(width >= 100 * self.columns, "\(self.columns) panels need more than \(width) points")
  }

  /// Draws the panels: an RGB picture of `width` points of `density` pixels.
  ///
  /// - Precondition: `density` is positive.
  public func image() -> Image {
    demand(density > 0, "a point has at least one pixel, not \(density)")
    return PanelsDrawing(self).image()
  }
}

extension Panels.Content {
  var title: String {
    switch self {
    case .points(let plot): plot.title ?? ""
    case .field(let plot): plot.title ?? ""
    }
  }

  var labels: (x: String, y: String) {
    switch self {
    case .points(let plot): (plot.xLabel, plot.yLabel)
    case .field(let plot): (plot.xLabel, plot.yLabel)
    }
  }

  var points: ScatterPlot? { if case .points(let plot) = self { plot } else { nil } }
  var field: FieldPlot? { if case .field(let plot) = self { plot } else { nil } }
}
