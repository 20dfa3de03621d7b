/// Where the data of a chart lie on a surface.
extension LineChart {
  /// Whether the axes have a place for a point.
  func shows(_ point: (x: Double, y: Double)) -> Bool {
    Axis.shows(point.x, scale: xScale) && Axis.shows(point.y, scale: yScale)
  }

  /// The places of the points of a series that can be shown.
  func spots(of series: Series, in frame: PlotFrame) -> [Spot] {
    series.points.filter(shows).map(frame.position)
  }

  /// The bars through the points of a series, from the upper end to the lower; ends that cannot be shown are at the frame.
  func bars(of series: Series, in frame: PlotFrame) -> [Segment] {
    zip(series.points, series.errors).compactMap { point, error in
      guard shows(point), error.isFinite, error > 0 else { return nil }
      let (high, low) = (point.y + error, point.y - error)
      guard shows((point.x, high)) else { return nil }
      let end = frame.position((point.x, shows((point.x, low)) ? low : frame.y.range.lowerBound))
      return Segment(start: frame.position((point.x, high)), end: end)
    }
  }

  /// The edges of a strip where both can be shown.
  func places(of band: Band, in frame: PlotFrame) -> [(x: Double, top: Double, bottom: Double)] {
    band.points.filter { shows(($0.x, $0.low)) && shows(($0.x, $0.high)) }.map {
      let (low, high) = (frame.position(($0.x, $0.low)), frame.position(($0.x, $0.high)))
      return (low.x, high.y, low.y)
    }
  }

  /// The unbroken parts of a curve on the surface.
  ///
  /// For each column of pixels only the first, the lowest, the highest and the last point are kept, which gives the
  /// same picture.
  func pieces(of points: [(x: Double, y: Double)], in frame: PlotFrame, density: Int) -> [[Spot]] {
    points.split { !shows($0) }.map { part in
      var result: [Spot] = []
      var column: [Spot] = []
      func flush() {
        let order = column.indices.sorted { column[$0].y < column[$1].y }
        let kept = Set([column.startIndex, column.endIndex - 1, order.first, order.last].compactMap { $0 })
        result += kept.sorted().map { column[$0] }
        column = []
      }
      for point in part.map(frame.position) {
        let scale = Double(density)
        if let first = column.first, (first.x * scale).rounded() != (point.x * scale).rounded() { flush() }
        column.append(point)
      }
      if !column.isEmpty { flush() }
      return result
    }
  }
}
