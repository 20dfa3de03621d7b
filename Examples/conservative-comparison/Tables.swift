import Foundation
import ScoreKit

extension Comparison {
  /// A line for each way: what it cost and what came of it.
  ///
  /// - Parameter memory: the bytes resident at most, where the system told.
  func table(memory: [Way.Kind: Int]) -> String {
    let rows = outcomes.map { outcome in
      [
        outcome.way.name,
        "\(outcome.steps)" + (outcome.projections > 0 ? ", \(outcome.projections) projected" : ""),
        String(format: "%.1f", outcome.stepTime * 1e3),
        String(format: "%.1f", outcome.time),
        memory[outcome.way.kind].map { String(format: "%.0f", Double($0) / 1e6) } ?? "–",
        fixed(outcome.loss),
        reference.map { outcome.way == .off ? "" : fixed(outcome.excess(over: $0), sign: true) } ?? "–",
        scientific(outcome.nasym.value),
        outcome.evaluation?.likelihood.map { fixed($0.nats, places: 2) } ?? "–",
      ]
    }
    return markdown(
      [
        "\(budget.name)", "steps", "a step, ms", "in all, s", "memory, MB", "loss", "loss − off", "NAsym, mean",
        "log density, nats",
      ], rows)
  }

  /// NAsym at each noise level.
  var asymmetryTable: String {
    let sigmas = outcomes.first?.evaluation?.levels.map(\.sigma) ?? []
    return markdown(
      ["NAsym, \(budget.name)"] + sigmas.map { "σ = \(shortened($0))" },
      outcomes.map { outcome in
        [outcome.way.name]
          + (outcome.evaluation?.levels ?? []).map {
            "\(scientific($0.nasym.value)) ± \(scientific($0.nasym.standardError))"
          }
      })
  }
}

private func fixed(_ estimate: Estimate, places: Int = 4, sign: Bool = false) -> String {
  String(format: "%\(sign ? "+" : "").\(places)f ± %.\(places)f", estimate.value, estimate.standardError)
}

private func scientific(_ value: Double) -> String { String(format: "%.1e", value) }

/// A table in Markdown that is one without it, too: the first column is text, the others are numbers.
func markdown(_ header: [String], _ rows: [[String]]) -> String {
  let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
  func line(_ cells: [String]) -> String {
    let padded = cells.enumerated().map { column, cell in
      let space = String(repeating: " ", count: widths[column] - cell.count)
      return column == 0 ? cell + space : space + cell
    }
    return "| \(padded.joined(separator: " | ")) |"
  }
  let rule = widths.enumerated().map { column, width in
    column == 0 ? String(repeating: "-", count: width + 2) : String(repeating: "-", count: width + 1) + ":"
  }
  return ([line(header), "|\(rule.joined(separator: "|"))|"] + rows.map(line)).joined(separator: "\n")
}
