import Foundation
import ScoreKit

/// NAsym against the held-out loss, for each comparison one chart below the other: the penalty's weights as a curve, the others as
/// points.
func penaltyCurves(of comparisons: [Comparison], data: String) -> Image {
  ImageGrid(columns: 1, padding: 0).image(of: comparisons.map { $0.penaltyCurve(data: data) })
}

extension Comparison {
  /// Lower and further left is better.
  fileprivate func penaltyCurve(data: String) -> Image {
    let penalties = outcomes.compactMap { outcome -> (weight: Double, point: (x: Double, y: Double))? in
      guard case .penalty(let weight) = outcome.way else { return nil }
      return (weight, (outcome.loss.value, outcome.nasym.value))
    }.sorted { $0.weight < $1.weight }
    let others = outcomes.filter { $0.way.kind != .penalty }
    // Rounding errors are squared, and would leave the rest of the axis to nobody.
    let floor = floorOfChart
    var series: [LineChart.Series] = []
    if !penalties.isEmpty {
      let weights = penalties.map { shortened($0.weight) }.joined(separator: ", ")
      series = [.init("penalty \(weights)", points: penalties.map(\.point), showsPoints: true)]
    }
    let marks = others.map { outcome in
      let value = outcome.nasym.value
      return LineChart.Series(
        value < floor ? String(format: "%@ (%.0e, below)", outcome.way.name, value) : outcome.way.name,
        points: [(outcome.loss.value, max(value, floor))])
    }
    var chart = LineChart(
      title: "\(data), \(budget.name): asymmetry of the score (mean NAsym) over held-out loss",
      xLabel: "held-out loss (lower and further left is better)", series: series, marks: marks, yScale: .logarithmic,
      height: 520)
    let highest = outcomes.map(\.nasym.value).max() ?? 1
    chart.yRange = (floor / 1.5)...max(highest * 2, floor * 10)
    return chart.image()
  }

  /// A third of the least NAsym that is more than rounding.
  private var floorOfChart: Double {
    let values = outcomes.map(\.nasym.value).filter { $0 > 1e-10 }
    return (values.min() ?? 1e-10) / 3
  }

  /// Samples of each way, beside each other.
  func samples(data: String) throws -> Image {
    let pictures = try outcomes.map { outcome -> Image in
      let title = "\(outcome.way.name), \(outcome.steps) steps"
      guard outcome.samples.rank == 2 else {
        return try Image.picture(of: outcome.samples, columns: 8).rgb().captioned(title)
      }
      let values: [Double] = outcome.samples.elements()
      let points = (0..<outcome.samples.size(0)).map { (values[2 * $0], values[2 * $0 + 1]) }
      return ScatterPlot(points: points, range: outcome.field?.range, title: title, size: 440).image()
    }
    return ImageGrid(columns: min(4, pictures.count), padding: 8).image(of: pictures)
      .captioned("samples of \(data), \(budget.name)")
  }

  /// The scores of points of the plane and their curls, on one scale of colours; `nil` for other data.
  func fields(data: String) -> Image? {
    let fields = outcomes.compactMap { outcome in outcome.field.map { (outcome.way.name, $0) } }
    guard !fields.isEmpty else { return nil }
    // A few cells with much more do not decide.
    let magnitudes = fields.flatMap { $0.1.curl.map(abs) }.filter(\.isFinite).sorted()
    let limit = max(1e-12, magnitudes.isEmpty ? 1 : magnitudes[magnitudes.count * 99 / 100])
    let plots = fields.map { name, field in field.plot(title: name, limit: limit, size: 480) }
    return ImageGrid(columns: min(4, plots.count), padding: 8).image(of: plots).captioned(
      "\(data), \(budget.name): arrows are the score s at noise level \(ScoreField.sigma), colours its curl ds2/dx1 - ds1/dx2"
    )
  }
}
