import Foundation
import ScoreKit

/// NAsym against the held-out loss, for each comparison one chart below the other: the weights of the penalty and the numbers of
/// projections as curves, the others as points.
func penaltyCurves(of comparisons: [Comparison], data: String) -> Image {
  ImageGrid(columns: 1, padding: 0).image(of: comparisons.map { $0.penaltyCurve(data: data) })
}

extension Comparison {
  /// Lower and further left is better.
  fileprivate func penaltyCurve(data: String) -> Image {
    let curves: [Way.Kind] = [.penalty, .projection]
    let others = outcomes.filter { !curves.contains($0.way.kind) }
    // Rounding errors are squared, and would leave the rest of the axis to nobody.
    let floor = floorOfChart
    let series = curves.compactMap { kind -> LineChart.Series? in
      let points = outcomes.filter { $0.way.kind == kind }.sorted { $0.way.strength < $1.way.strength }
      guard !points.isEmpty else { return nil }
      let strengths = points.map { shortened($0.way.strength) }.joined(separator: ", ")
      return .init(
        "\(kind.rawValue) \(strengths)", points: points.map { ($0.loss.value, $0.nasym.value) }, showsPoints: true)
    }
    let marks = others.map { outcome in
      let value = outcome.nasym.value
      return LineChart.Series(
        value < floor ? String(format: "%@ (%.0e, below)", outcome.way.name, value) : outcome.way.name,
        points: [(outcome.loss.value, max(value, floor))])
    }
    var chart = LineChart(
      title: "\(data), \(budget.name): mean NAsym of the score against its loss",
      xLabel: "held-out loss (lower and further left is better)", series: series, marks: marks, yScale: .logarithmic,
      height: 520)
    // With room for the legend above.
    let highest = max(outcomes.map(\.nasym.value).max() ?? 1, floor)
    chart.yRange = (floor / 1.1)...(highest * 10)
    return chart.image()
  }

  /// A third of the least NAsym that is more than rounding.
  private var floorOfChart: Double {
    let values = outcomes.map(\.nasym.value).filter { $0 > 1e-10 }
    return (values.min() ?? 1e-10) / 3
  }

  /// Samples of each way beside each other, after some of the data; `nil` for data that have no picture.
  func samples(data: Dataset) throws -> Image? {
    let shape = data.exampleShape
    guard data.isImages || shape == [2] else { return nil }
    func picture(_ samples: Tensor, _ title: String) throws -> Image {
      if data.isImages { return try Image.picture(of: samples, columns: 8).rgb().captioned(title) }
      let values: [Double] = samples.elements()
      let points = (0..<samples.size(0)).map { (values[2 * $0], values[2 * $0 + 1]) }
      return ScatterPlot(points: points, range: outcomes.first?.field?.range, title: title, size: 440).image()
    }
    let count = min(data.count, data.isImages ? 64 : 2000)
    let examples = try data.batch(at: .range(0, to: Double(count), dtype: .int64)).examples
    let pictures =
      [try picture(examples, "data")]
      + (try outcomes.map { try picture($0.samples, "\($0.way.name), \($0.steps) steps") })
    return ImageGrid(columns: columns(of: pictures.count), padding: 8).image(of: pictures)
      .captioned("\(data.name), \(budget.name): data, and samples of each model from the same noise")
  }

  /// Of a grid of at most two rows while there are few pictures.
  private func columns(of count: Int) -> Int { count <= 3 ? count : max(2, min(4, (count + 1) / 2)) }

  /// The scores of points of the plane and their curls, on one scale of colours; `nil` for other data.
  func fields(data: String) -> Image? {
    let fields = outcomes.compactMap { outcome in
      outcome.field.map { ("\(outcome.way.name), \(outcome.steps) steps", $0) }
    }
    guard !fields.isEmpty else { return nil }
    // A few cells with much more do not decide.
    let magnitudes = fields.flatMap { $0.1.curl.map(abs) }.filter(\.isFinite).sorted()
    let limit = max(1e-12, magnitudes.isEmpty ? 1 : magnitudes[magnitudes.count * 99 / 100])
    let plots = fields.map { name, field in field.plot(title: name, limit: limit, width: 480) }
    return ImageGrid(columns: columns(of: plots.count), padding: 8).image(of: plots).captioned(
      "\(data), \(budget.name): arrows are the score s at noise level \(ScoreField.sigma), colours its curl ds2/dx1 - ds1/dx2"
    )
  }
}
