public import ArgumentParser
import CommandLineSupport
import Foundation
import ScoreKit

/// `score-evaluate`, or the tool of another `ToolSet` that evaluates.
public struct EvaluateCommand<Tools: ToolSet>: ParsableCommand {
  /// The name and the description.
  public static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "\(Tools.name)-evaluate",
      abstract: "Measures loss, asymmetry and log likelihood of a model that \(Tools.name)-train has trained.",
      discussion: """
        Example: \(Tools.name)-evaluate runs/digits --json

        At each noise level: the loss that training minimises, and Asym and NAsym, which are 0 where the score is the \
        gradient of a log density. Then the log likelihood by the probability-flow ODE, in nats and, for images, in bits \
        per dimension. All with standard errors over the examples. --samples compares \
        samples with the data. The same seed gives the same numbers.
        """,
      version: "\(Tools.name)-evaluate \(Tools.version)")
  }

  @Argument(
    help: ArgumentHelp("The folder of a run, or one of its checkpoints.", valueName: "run"), completion: .directory)
  var source: String

  @Option(
    help: ArgumentHelp(
      "The examples: \((DatasetSource.builtInNames + Tools.catalog.data.map { $0.name }).joined(separator: ", ")), or a path as for \(Tools.name)-train. Points are drawn with --seed. (default: what the model was trained on)",
      valueName: "source"), completion: .file())
  var data: String?

  @Option(
    help: ArgumentHelp("The labels that belong to an IDX file or to a .npy array.", valueName: "path"),
    completion: .file())
  var labels: String?

  @Option(help: ArgumentHelp("The number of examples, chosen at random; all if there are fewer.", valueName: "n"))
  var count = 1024

  @Option(
    help: ArgumentHelp("Noise levels of loss and asymmetry. (default: 0.1,0.2,0.5,1,2,3)", valueName: "list"),
    transform: {
      try List($0, "noise-levels", of: "positive numbers separated by commas such as 0.1,1") { text in
        Double(text).flatMap { $0 > 0 && $0.isFinite ? $0 : nil }
      }
    })
  var noiseLevels: List<Double>?

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

  @Option(
    help: ArgumentHelp(
      """
      The number of samples to draw and compare with the data: Fréchet and kernel distance, precision and recall, in pixels \
      and, for data with labels, in the features of a small classifier of them; distance to the nearest example. 0 for no \
      comparison.
      """, valueName: "n"))
  var samples = 0

  @Option(
    help: ArgumentHelp(
      "The picture to write of samples, each followed by the examples nearest to it.", valueName: "file.png"),
    completion: .file(extensions: ["png"]))
  var nearest: String?

  @Option(
    help: ArgumentHelp(
      "The number of steps of Heun's method for the samples. (default: \(HeunSampler.defaultDiscretization.steps))",
      valueName: "n"))
  var steps: Int?

  @Option(help: ArgumentHelp("The weight of classifier-free guidance for the samples. (default: 1)", valueName: "x"))
  var guidance: Double?

  @Option(help: ArgumentHelp("The seed of the choice of examples, their noise and the probes.", valueName: "n"))
  var seed: UInt64 = 0

  @Flag(help: "Use the last weights instead of their moving average.")
  var rawWeights = false

  @Flag(help: "Print one JSON object instead of a table.")
  var json = false

  @OptionGroup var placement: DeviceOptions

  @Option(help: "How progress is shown.")
  var progress = ProgressStyle.auto

  /// Makes a command without options.
  public init() {}

  /// Runs the tool and ends the process.
  public static func main() { runTool() }

  /// Checks the options.
  public func validate() throws {
    for (name, path) in [("the run", source), ("--data", data), ("--labels", labels), ("--nearest", nearest)]
    where path == "" {
      throw ValidationError("\(name) has an empty path")
    }
    try check("count", count, in: 1...10_000_000)
    try check("samples", samples, "needs 0 or a whole number from 8 to 1000000") {
      $0 == 0 || (8...1_000_000).contains($0)
    }
    for (name, isGiven) in [("nearest", nearest != nil), ("steps", steps != nil), ("guidance", guidance != nil)]
    where isGiven && samples == 0 {
      throw ValidationError("--\(name) belongs to --samples; say how many")
    }
    try check("steps", steps, in: 1...100_000)
    try check("guidance", guidance, "needs a number", \.isFinite)
    try check("probes", probes, in: 1...10_000)
    try check("batch-size", batchSize, in: 1...100_000)
    if labels != nil, let data, Tools.catalog.namesData(data) {
      throw ValidationError("--labels names the labels of an IDX file or a .npy array, which \(data) is not")
    }
  }

  /// Evaluates and prints.
  public func run() throws {
    Engine.keepFreedMemory()
    let device = try placement.prepare()
    let saved = try SavedModel(contentsOf: source, useAverage: !rawWeights, device: device, catalog: Tools.catalog)
    let (name, dataset) = try load(for: saved.record.run)
    let evaluator = Evaluator(
      count: count, noiseLevels: noiseLevels?.elements, probeCount: probes, measuresLikelihood: likelihood,
      batchSize: batchSize,
      seed: seed)
    let total = min(count, dataset.count)
    var shown: (stage: Evaluator.Stage, progress: CommandLineSupport.Progress)?
    if nearest != nil && !dataset.isImages {
      throw RunError(.usage, "--nearest is about images, and \(name) holds points")
    }
    // What could not be done after the evaluation is found out before it.
    if samples > 0 {
      try SampleQuality.validate(count: samples, shape: saved.record.model.shape, against: dataset)
      try saved.record.model.validate(guidance: guidance ?? 1, of: source)
    }
    try InterruptSignal.deferred {
      var evaluation = try evaluator.evaluation(
        of: saved.model, process: saved.process, record: saved.record, step: saved.step, isAverage: !rawWeights,
        on: dataset, source: name
      ) { stage, share in
        if InterruptSignal.wasReceived { throw Interrupted("stopped before the evaluation was finished") }
        if shown?.stage != stage {
          shown?.progress.finish()
          shown = (stage, CommandLineSupport.Progress(stage.rawValue, total: total, style: progress))
        }
        shown?.progress.update(share == 1 ? total : Int(share * Double(total)))
      }
      shown?.progress.finish()
      var drawn: Tensor?
      if samples > 0 { (drawn, evaluation.samples) = try compare(samples, from: saved, with: dataset) }
      if json {
        print(String(decoding: try evaluation.encoded(), as: UTF8.self), terminator: "")
      } else {
        print(EvaluationTable(evaluation, checkpoint: saved.path).text, terminator: "")
      }
      // Last: a picture that cannot be written takes no numbers with it.
      if let nearest, let drawn { try SampleQuality.nearestPicture(of: drawn, in: dataset).write(toPNG: nearest) }
    }
  }

  /// Draws samples and compares them with the examples.
  private func compare(
    _ count: Int, from saved: SavedModel, with dataset: Dataset
  ) throws -> (samples: Tensor, quality: SampleQuality) {
    let seeds = (0..<UInt64(count)).map { seed &+ $0 }
    let sampler = HeunSampler(steps: steps ?? HeunSampler.defaultDiscretization.steps)
    func checkInterrupt() throws {
      if InterruptSignal.wasReceived { throw Interrupted("stopped before the evaluation was finished") }
    }
    let sampling = CommandLineSupport.Progress("samples", total: count, style: progress)
    let drawn = try sampler.sample(
      from: saved.samplingModel.guided(weight: guidance ?? 1), process: saved.process, shape: saved.record.model.shape,
      seeds: seeds, batchSize: 64, condition: saved.record.model.condition(seeds: seeds)
    ) { state in
      try checkInterrupt()
      sampling.update(state.samples.lowerBound + state.samples.count * state.step / max(state.stepCount, 1))
    }
    sampling.finish()
    let comparing = CommandLineSupport.Progress("comparison", total: 100, style: progress)
    var quality = try SampleQuality(of: drawn, against: dataset, seed: seed) { share in
      try checkInterrupt()
      comparing.update(Int(100 * share))
    }
    comparing.finish()
    quality.sampling = .init(method: "heun", steps: sampler.steps, guidance: guidance ?? 1)
    return (drawn, quality)
  }

  /// The examples and what they are called: those of the command line, or else those of the run.
  private func load(for run: RunConfiguration) throws -> (name: String, dataset: Dataset) {
    if let data {
      let options = data == run.data ? run.dataOptions : nil
      return (data, try Tools.catalog.load(data, options: options, labels: labels, seed: seed))
    }
    guard let data = run.data else {
      throw RunError(.usage, "\(source) does not say what it was trained on; name the examples with --data")
    }
    return (
      data, try Tools.catalog.load(data, options: run.dataOptions, labels: labels ?? run.labels, seed: run.seed)
    )
  }
}
