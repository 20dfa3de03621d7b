internal import Plotting

extension LineChart {
  /// The curve of a training: the loss of each interval, and its running mean.
  ///
  /// The vertical axis is logarithmic if the means span a factor of 5 or more, and all losses are positive.
  static func loss(_ points: [(x: Double, y: Double)]) -> LineChart {
    let series = Series.smoothed("loss", points: points)
    let (means, losses) = (series.points.map(\.y), points.map(\.y))
    let isWide = losses.allSatisfy { $0 > 0 } && (means.max() ?? 1) >= 5 * (means.min() ?? 1)
    return LineChart(
      xLabel: "training step", yLabel: "loss", series: [series], yScale: isWide ? .logarithmic : .linear)
  }
}
