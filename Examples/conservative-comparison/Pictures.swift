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
      var curve = LineChart.Series(
        "\(kind.rawValue) \(strengths)", points: points.map { ($0.loss.value, $0.nasym.value) }, showsPoints: true)
      curve.errors = points.map(\.nasym.standardError)
      return curve
    }
    let marks = others.map { outcome in
      let value = outcome.nasym.value
      var mark = LineChart.Series(
        value < floor ? "\(outcome.way.name) (\(scientific(value)), below)" : outcome.way.name,
        points: [(outcome.loss.value, max(value, floor))])
      if value >= floor { mark.errors = [outcome.nasym.standardError] }
      return mark
    }
    return LineChart(
      title: "\(data), \(budget.name): mean NAsym of the score against its loss, with standard errors",
      xLabel: "held-out loss (lower and further left is better)", yLabel: "mean NAsym", series: series, marks: marks,
      yScale: .logarithmic
    ).image()
  }

  /// A number such as 3×10⁻¹⁴.
  private func scientific(_ value: Double) -> String {
    let parts = String(format: "%.0e", value).split(separator: "e")
    guard parts.count == 2, let exponent = Int(parts[1]) else { return "\(value)" }
    let superscripts = Dictionary(uniqueKeysWithValues: zip("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return "\(parts[0])×10" + String("\(exponent)".compactMap { superscripts[$0] })
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
    let title = "\(data.name), \(budget.name): data, and samples of each model from the same noise"
    let count = min(data.count, data.isImages ? 64 : 2000)
    let examples = try data.batch(at: .range(0, to: Double(count), dtype: .int64)).examples
    let captions = ["data"] + outcomes.map { "\($0.way.name), \($0.steps) steps" }
    let samples = [examples] + outcomes.map(\.samples)
    if data.isImages {
      let pictures = try zip(captions, samples).map { ($0, try Image.picture(of: $1, columns: 8)) }
      let count = pictures.count
      return .panels(pictures, columns: count <= 3 ? count : max(2, min(4, (count + 1) / 2)), title: title)
    }
    let plots = zip(captions, samples).map { caption, samples in
      let values: [Double] = samples.elements()
      let points = (0..<samples.size(0)).map { (values[2 * $0], values[2 * $0 + 1]) }
      return ScatterPlot(points: points, range: outcomes.first?.field?.range, title: caption)
    }
    var panels = Panels(plots)
    panels.title = title
    return panels.image()
  }

  /// The scores of points of the plane and their curls, on one scale of colours; `nil` for other data.
  func fields(data: String) -> Image? {
    let fields = outcomes.compactMap { outcome in
      outcome.field.map { ("\(outcome.way.name), \(outcome.steps) steps", $0) }
    }
    guard !fields.isEmpty else { return nil }
    // A few cells with much more do not decide.
    let magnitudes = fields.flatMap { $0.1.curl.map(abs) }.filter(\.isFinite).sorted()
    let limit = max(1e-12, magnitudes.isEmpty ? 1 : magnitudes[magnitudes.count * 99 / 100])
    var panels = Panels(fields.map { name, field in field.plot(title: name, limit: limit) })
    panels.title =
      "\(data), \(budget.name): arrows are the score s at noise level σ = \(ScoreField.sigma), colours its curl"
    return panels.image()
  }
}
