import ArgumentParser
import CommandLineSupport
import Foundation
import ScoreKit

@main
struct ScoreEvaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "score-evaluate",
    abstract: "Measures loss, asymmetry and log likelihood of a model that score-train has trained.",
    discussion: """
      Example: score-evaluate runs/digits --json

      At each noise level: the loss that training minimises, and Asym and NAsym, which are 0 where the score is the \
      gradient of a log density. Then the log likelihood by the probability-flow ODE, in nats and, for images, in bits \
      per dimension. All with standard errors over the examples. The same seed gives the same numbers.
      """)

  @Argument(help: ArgumentHelp("The folder of a run, or one of its checkpoints.", valueName: "run"))
  var source: String

  @Option(
    help: ArgumentHelp(
      "The examples: \(DatasetSource.builtInNames.joined(separator: ", ")), or a path as for score-train. Points are drawn with --seed. (default: what the model was trained on)",
      valueName: "source"))
  var data: String?

  @Option(help: ArgumentHelp("The labels that belong to an IDX file or to a .npy array.", valueName: "path"))
  var labels: String?

  @Option(help: ArgumentHelp("The number of examples, chosen at random; all if there are fewer.", valueName: "n"))
  var count = 1024

  @Option(
    help: ArgumentHelp("Noise levels of loss and asymmetry. (default: 0.1,0.2,0.5,1,2,3)", valueName: "list"),
    transform: { text in
      let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
      guard let levels = numbers as? [Double], levels.allSatisfy({ $0 > 0 && $0.isFinite }) else {
        throw ValidationError("--noise-levels needs positive numbers separated by commas such as 0.1,1, not \(text)")
      }
      return levels
    })
  var noiseLevels: [Double]?

  @Option(
    help: ArgumentHelp(
      "The probes of the Jacobian for each example. (default: none up to 16 dimensions, where it is exact; above, 4 for the asymmetry and 1 for the likelihood)",
      valueName: "n"))
  var probes: Int?

  @Option(
    help: ArgumentHelp(
      "The number of examples in an evaluation of the network: memory and speed; values change by rounding alone. (default: by the size of an example)",
      valueName: "n"))
  var batchSize: Int?

  @Flag(inversion: .prefixedNo, help: "Compute the log likelihood, which takes the longest.")
  var likelihood = true

  @Option(help: ArgumentHelp("The seed of the choice of examples, their noise and the probes.", valueName: "n"))
  var seed: UInt64 = 0

  @Flag(help: "Use the last weights instead of their moving average.")
  var rawWeights = false

  @Flag(help: "Print one JSON object instead of a table.")
  var json = false

  @OptionGroup var placement: DeviceOptions

  @Option(help: "How progress is shown.")
  var progress = ProgressStyle.auto

  static func main() { runTool() }

  func validate() throws {
    for (name, path) in [("the run", source), ("--data", data), ("--labels", labels)] where path == "" {
      throw ValidationError("\(name) has an empty path")
    }
    if !(1...10_000_000).contains(count) {
      throw ValidationError("--count needs a whole number from 1 to 10000000, not \(count)")
    }
    if let probes, !(1...10_000).contains(probes) {
      throw ValidationError("--probes needs a whole number from 1 to 10000, not \(probes)")
    }
    if let batchSize, !(1...100_000).contains(batchSize) {
      throw ValidationError("--batch-size needs a whole number from 1 to 100000, not \(batchSize)")
    }
    if labels != nil, let data, DatasetSource.builtInNames.contains(data) {
      throw ValidationError("--labels names the labels of an IDX file or a .npy array, which \(data) is not")
    }
  }

  func run() throws {
    InterruptSignal.install()
    Engine.keepFreedMemory()
    let device = try placement.prepare()
    let saved = try SavedModel(contentsOf: source, useAverage: !rawWeights, device: device)
    let (name, dataset) = try load(for: saved.record.run)
    let evaluator = Evaluator(
      count: count, noiseLevels: noiseLevels, probeCount: probes, measuresLikelihood: likelihood, batchSize: batchSize,
      seed: seed)
    let total = min(count, dataset.count)
    var shown: (stage: Evaluator.Stage, progress: CommandLineSupport.Progress)?
    let evaluation = try evaluator.evaluation(
      of: saved.model, record: saved.record, step: saved.step, isAverage: !rawWeights, on: dataset, source: name
    ) { stage, share in
      if InterruptSignal.wasReceived { throw Interrupted("stopped before the evaluation was finished") }
      if shown?.stage != stage {
        shown?.progress.finish()
        shown = (stage, CommandLineSupport.Progress(stage.rawValue, total: total, style: progress))
      }
      shown?.progress.update(share == 1 ? total : Int(share * Double(total)))
    }
    shown?.progress.finish()
    if json {
      print(String(decoding: try evaluation.encoded(), as: UTF8.self), terminator: "")
    } else {
      print(EvaluationTable(evaluation, checkpoint: saved.path).text, terminator: "")
    }
  }

  /// The examples and what they are called: those of the command line, or else those of the run.
  private func load(for run: RunConfiguration) throws -> (name: String, dataset: Dataset) {
    if let data { return (data, try DatasetSource(data).load(labels: labels, seed: seed)) }
    guard let data = run.data else {
      throw RunError(.usage, "\(source) does not say what it was trained on; name the examples with --data")
    }
    return (data, try DatasetSource(data).load(labels: labels ?? run.labels, seed: run.seed))
  }
}
