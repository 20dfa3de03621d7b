import Foundation
import ScoreKit

/// Outcomes side by side, the first the one that others are measured by.
struct Comparison {
  private let outcomes: [Outcome]

  init(_ outcomes: [Outcome]) { self.outcomes = outcomes }

  /// A line for each thing that was measured, and a ratio where there are two outcomes.
  var table: String {
    var rows = [row(outcomes.first.map { "\(millions($0.parameterCount)) parameters" } ?? "", outcomes.map(\.name))]
    func add(_ label: String, _ places: Int, _ unit: String = "", _ value: (Outcome) -> Double?) {
      let values = outcomes.map(value)
      var cells = values.map { $0.map { String(format: "%.\(places)f", $0) + unit } ?? "–" }
      if values.count == 2, let first = values[0], let second = values[1] {
        cells.append(String(format: "× %.3f", second / first))
      }
      rows.append(row(label, cells))
    }
    func addZeros(_ label: String, _ counts: (Outcome) -> (count: Int, zeros: Int)) {
      rows.append(
        row(
          label,
          outcomes.map(counts).map {
            "\($0.zeros)" + String(format: " (%.2f %%)", 100 * Double($0.zeros) / Double($0.count))
          }))
    }
    add("loss of the last tenth of the steps", 4) { $0.finalLoss }
    add("held-out loss of the average", 4) { $0.heldOutLoss }
    addZeros("zeros among the weights", { $0.zeros.weights })
    addZeros("zeros among those of the average", { $0.averageZeros.weights })
    addZeros("zeros among all parameters", { $0.zeros.parameters })
    add("median time of a step", 1, " ms") { $0.medianStepTime * 1e3 }
    add("mean time of a step", 1, " ms") { $0.meanStepTime * 1e3 }
    add("peak memory", 2, " GB") { $0.peakMemory.map { Double($0) / 1e9 } }
    return rows.joined(separator: "\n")
  }

  private func millions(_ count: Int) -> String { String(format: "%.2f million", Double(count) / 1e6) }

  private func row(_ label: String, _ cells: [String]) -> String {
    func padded(_ text: String, _ width: Int) -> String {
      String(repeating: " ", count: max(0, width - text.count)) + text
    }
    return label.padding(toLength: 38, withPad: " ", startingAt: 0) + cells.map { padded($0, 20) }.joined()
  }
}

/// Samples of each outcome, one below the other: images in grids, or points in panels of one range.
func picture(of outcomes: [Outcome]) throws -> Image {
  if outcomes.allSatisfy({ $0.samples.shape.count == 2 }) {
    return Panels(
      outcomes.map { outcome in
        let values: [Double] = outcome.samples.elements()
        let points = (0..<outcome.samples.size(0)).map { (values[2 * $0], values[2 * $0 + 1]) }
        return ScatterPlot(points: points, title: outcome.name)
      }, width: 110 + 330 * outcomes.count
    ).image()
  }
  return .panels(try outcomes.map { ($0.name, try Image.picture(of: $0.samples, columns: 16)) }, columns: 1)
}

/// The losses, and below them the part of the weights that are 0.
func curves(of outcomes: [Outcome]) -> Image {
  func points(_ values: [Double]) -> [(x: Double, y: Double)] { values.enumerated().map { (Double($0 + 1), $1) } }
  // A mean over as many steps as keep its noise below the differences to be seen.
  func smooth(_ losses: [Double]) -> [(x: Double, y: Double)] {
    let length = max(1, losses.count / 40)
    return losses.indices.dropFirst(length - 1).map { (Double($0 + 1), mean(losses[($0 - length + 1)...$0])) }
  }
  let losses = LineChart(
    title: "training loss, a running mean", xLabel: "training step", yLabel: "loss",
    series: outcomes.map { .init($0.name, points: smooth($0.losses)) }, yScale: .logarithmic)
  var sparsities = LineChart(
    title: "zeros among the weights", xLabel: "training step", yLabel: "zeros in %",
    series: outcomes.map { .init($0.name, points: points($0.sparsities.map { 100 * $0 })) })
  sparsities.yRange = -2...102
  return ImageGrid(columns: 1, padding: 0).image(of: [losses.image(), sparsities.image()])
}
