import ScoreKit

/// Draws the functions that were learned over three periods, and below them how loss and violation went.
func picture(of baseline: Training.Outcome, _ projected: Training.Outcome) -> Image {
  let x = PeriodicProblem.wide
  func curve(_ name: String, _ y: Tensor) -> LineChart.Series {
    .init(name, points: Array(zip(x.elements(as: Double.self), y.elements(as: Double.self))))
  }
  func history(_ name: String, _ values: [Double]) -> LineChart.Series {
    .init(name, points: values.enumerated().map { (Double($0 + 1), $1) })
  }
  var functions = withoutGradients {
    LineChart(
      title: "Known on one period in the middle, x from −π to π", xLabel: "x", yLabel: "f(x)",
      series: [
        curve("sine", x.sin()), curve("Adam", baseline.network(x)), curve("projected", projected.network(x)),
      ])
  }
  functions.yRange = -2.5...2.5
  functions.series[0].isDashed = true
  functions.shadedX = [-Double.pi...Double.pi]
  let histories = LineChart(
    title: "Loss, and violation of f(x + 2π) = f(x)", xLabel: "training step",
    series: [
      history("loss, Adam", baseline.losses), history("loss, projected", projected.losses),
      history("violation, Adam", baseline.violations), history("violation, projected", projected.violations),
    ], yScale: .logarithmic)
  return ImageGrid(columns: 1, padding: 0).image(of: [functions.image(), histories.image()])
}
