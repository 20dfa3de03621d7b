import Foundation
import ScoreKit

/// An evaluation as a table for people.
struct EvaluationTable {
  private let evaluation: Evaluation
  private let checkpoint: String

  init(_ evaluation: Evaluation, checkpoint: String) {
    self.evaluation = evaluation
    self.checkpoint = checkpoint
  }

  /// All lines, each with its end.
  var text: String { (heading + [""] + levels + likelihood + samples).map { "\($0)\n" }.joined() }

  private var heading: [String] {
    let (model, data) = (evaluation.model, evaluation.data)
    let weights = model.isAverage ? "moving average of the weights" : "last weights"
    let classes = data.isLabelled ? ", their classes given" : model.classCount > 0 ? ", their classes not given" : ""
    return [
      "model      \(checkpoint): \(weights) after \(model.step) steps",
      "           \(model.network) of \(model.parameterCount) parameters, process \(model.process.rawValue), "
        + "conservative \(model.conservative.rawValue)",
      "data       \(data.count) of \(data.total) examples of \(data.source)\(classes)"
        + (data.isTrainingData ? "; the model was trained on them" : ""),
    ]
  }

  private var levels: [String] {
    let isExact = evaluation.levels.allSatisfy(\.isExact)
    let header = Self.row(["noise level", "loss", "Asym", "NAsym"])
    return [header]
      + evaluation.levels.map { level in
        Self.row([
          String(format: "%g", level.sigma), Self.fixed(level.loss, digits: 4), Self.scientific(level.asym),
          Self.scientific(level.nasym),
        ])
      } + (isExact ? [] : ["(Asym and NAsym from probes of the Jacobian)"])
  }

  private var likelihood: [String] {
    guard let result = evaluation.likelihood else { return [] }
    let bits = result.bitsPerDimension.map { "\(Self.fixed($0, digits: 4)) bits per dimension, " } ?? ""
    let divergence = result.probeCount.map { $0 == 1 ? "1 probe" : "\($0) probes" } ?? "all dimensions"
    return [
      "",
      "log likelihood  \(bits)\(Self.fixed(result.nats, digits: 3)) nats",
      "                at noise level \(String(format: "%g", result.sigmaMin)); divergence from \(divergence); "
        + "integrated to within \(String(format: "%.1g", result.integrationError)) nats",
    ]
  }

  private var samples: [String] {
    guard let result = evaluation.samples else { return [] }
    var heading = "samples    \(result.count)"
    if let sampling = result.sampling {
      heading += " by \(sampling.method) with \(sampling.steps) \(sampling.steps == 1 ? "step" : "steps")"
      if sampling.guidance != 1 { heading += String(format: ", guidance %g", sampling.guidance) }
    }
    heading += "; sets of \(result.referenceCount) compared, in brackets two sets of examples"
    var lines = ["", heading]
    if let accuracy = result.classifierAccuracy {
      lines.append(
        String(format: "           the classifier recognises %.1f %% of held-out examples", 100 * accuracy)
          + (result.classifierSawExamples == true ? " and was trained on those compared, for lack of others" : ""))
    }
    lines.append(Self.row(["features", "Fréchet", "kernel", "precision, recall"], widths: Self.sampleWidths))
    for space in result.spaces {
      lines.append(
        Self.row(
          [
            space.name, String(format: "%.4g (%.4g)", space.frechet, space.frechetOfData),
            "\(Self.scientific(space.kernel)) (\(String(format: "%.1e", space.kernelOfData.value)))",
            String(format: "%.3f, %.3f", space.precision, space.recall),
          ], widths: Self.sampleWidths))
    }
    lines.append(
      String(
        format: "nearest    a sample is %.4g from the nearest example, and an example %.4g from the nearest other",
        result.nearestDistance, result.nearestDistanceOfData))
    return lines
  }

  private static let sampleWidths = [11, 24, 38, 20]

  private static func row(_ cells: [String], widths: [Int] = [11, 21, 25, 25]) -> String {
    zip(cells, widths).map { cell, width in
      String(repeating: " ", count: max(0, width - cell.count)) + cell
    }.joined()
  }

  private static func fixed(_ estimate: Estimate, digits: Int) -> String {
    text(estimate, value: "%.\(digits)f", error: "%.\(digits)f")
  }

  private static func scientific(_ estimate: Estimate) -> String { text(estimate, value: "%.3e", error: "%.1e") }

  /// C would print "-nan" for some values that are not numbers.
  private static func text(_ estimate: Estimate, value: String, error: String) -> String {
    "\(estimate.value.isNaN ? "not a number" : String(format: value, estimate.value)) ± "
      + (estimate.standardError.isFinite ? String(format: error, estimate.standardError) : "?")
  }
}
