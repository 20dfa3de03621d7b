public import ArgumentParser
import CommandLineSupport
import Foundation
import ScoreKit

/// `score-train`, or the tool of another `ToolSet` that trains.
public struct TrainCommand<Tools: ToolSet>: ParsableCommand {
  /// The name and the description.
  public static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "\(Tools.name)-train",
      abstract: "Trains a score model on images or points and saves it in a folder that \(Tools.name)-sample reads.",
      discussion: """
        Example: \(Tools.name)-train --data digits --out runs/digits

        Ctrl-C ends a run after a checkpoint; --resume goes on from the newest checkpoint exactly as if the run had never \
        been interrupted. RUN/config.json holds all options.
        """,
      version: "\(Tools.name)-train \(Tools.version)")
  }

  @OptionGroup(title: "Data and output") var place: PlaceOptions<Tools>
  @OptionGroup(title: "Model") var model: ModelOptions<Tools>
  @OptionGroup(title: "Training") var training: TrainingOptions<Tools>
  @OptionGroup(title: "Running") var running: RunningOptions

  @OptionGroup(title: "Options of \(Tools.name)-train") var own: Tools.TrainOptions

  /// Makes a command without options.
  public init() {}

  /// Runs the tool and ends the process.
  public static func main() { runTool() }

  /// Checks the options.
  public func validate() throws {
    if place.out?.isEmpty == true { throw ValidationError("--out is empty: name the folder of the run") }
    if place.out == nil && !place.showConfig { throw ValidationError("Missing expected argument '--out <run>'") }
    if place.preset != nil && running.resume {
      throw ValidationError("--preset begins a run; leave it out with --resume, which keeps the options of the run")
    }
    do {
      // A file's options are checked when it is read.
      var options = RunConfiguration()
      try apply(to: &options)
      try options.validate(Tools.catalog)
    } catch {
      throw ValidationError(error.toolSentence)
    }
  }

  /// Trains.
  public func run() throws {
    Engine.keepFreedMemory()
    if place.showConfig { return try showConfiguration() }
    let run = try openRun(at: place.out ?? "")
    let configuration = run.configuration
    let steps = configuration.steps
    let progress = CommandLineSupport.Progress(
      "training", total: steps, startingAt: run.trainer.step, style: running.progress)
    progress.note("\(configuration.data): \(run.dataset.summary)")
    progress.note(
      "a model of \(run.trainer.model.parameterCount) parameters, \(configuration.threads) threads on \(configuration.options.device)"
    )
    if run.trainer.step > 0 { progress.note("going on from step \(run.trainer.step)") }
    let outcome = try InterruptSignal.deferred {
      try run.train(shouldStop: { InterruptSignal.wasReceived }) { show($0, of: run, with: progress) }
    }
    progress.finish()
    if configuration.options.sparsity > 0 {
      let (zeros, weights) = run.trainer.withAveragedWeights { run.trainer.model.countZeroWeights() }
      progress.note("\(zeros) of \(weights) weights are exactly 0, a sparsity of \(Double(zeros) / Double(weights))")
    }
    if case .stopped(let step) = outcome {
      throw Interrupted(
        step < steps
          ? "stopped at step \(step) with a checkpoint; add --resume to go on"
          : "stopped before the evaluation with a checkpoint of all \(step) steps; add --resume to evaluate")
    }
    progress.note("what to try next:")
    progress.note("  \(Tools.name)-sample \(run.path) --out samples.png")
    progress.note("  \(Tools.name)-evaluate \(run.path)")
    print(run.path)
  }

  /// Prints the options of the run that would be started or resumed, and trains nothing.
  private func showConfiguration() throws {
    var configuration = RunConfiguration()
    if running.resume, let out = place.out, try FilePath.exists("\(out)/config.json") {
      configuration = try RunConfiguration(contentsOf: "\(out)/config.json", catalog: Tools.catalog)
    }
    configuration = try changed(from: configuration)
    if let data = configuration.data {
      let dataset = try Tools.catalog.load(
        data, options: configuration.dataOptions, labels: configuration.labels, seed: configuration.seed,
        loading: configuration.loading)
      configuration = try configuration.resolved(for: dataset, catalog: Tools.catalog).configuration.options
    }
    print(String(decoding: try configuration.encoded(), as: UTF8.self), terminator: "")
  }

  /// Shows what happens.
  private func show(
    _ event: TrainingRun.Event, of run: TrainingRun, with progress: CommandLineSupport.Progress
  ) {
    switch event {
    case .step(let report, let rate):
      progress.update(
        report.step,
        [
          "loss \(String(format: "%.4f", report.loss))",
          "\(String(format: "%.0f", rate)) \(run.dataset.isImages ? "images" : "points")/s",
          report.projection?.summary,
        ].compactMap(\.self).joined(separator: "  "))
    case .samples(let path): progress.note("samples in \(path)")
    case .noSamples(let reason): progress.note("no samples at this step: \(reason)")
    case .evaluation(let evaluation, let path):
      progress.note("loss and asymmetry at \(evaluation.levels.count) noise levels in \(path)")
    case .noEvaluation(let reason): progress.note("no evaluation: \(reason)")
    case .checkpoint: break
    }
  }

  /// Starts the run, or goes on with it.
  private func openRun(at path: String) throws -> TrainingRun {
    let exists = try FilePath.exists("\(path)/config.json")
    guard running.resume, exists || place.data == nil else {
      let configuration = try changed(from: RunConfiguration())
      guard configuration.data != nil else {
        throw RunError(.usage, "--data is missing: name a built-in data set or a path, or --resume a run")
      }
      return try TrainingRun.start(configuration, at: path, catalog: Tools.catalog)
    }
    return try TrainingRun.resume(at: path, catalog: Tools.catalog) { configuration in
      let saved = configuration
      configuration = try changed(from: configuration)
      if let name = configuration.difference(from: saved, except: RunConfiguration.changeableOnResume) {
        throw RunError(
          .usage, "--\(name) cannot change when a run is resumed; leave it out, or start another run with another --out"
        )
      }
    }
  }

  /// A configuration with the options of the file and of the command line in place of its own.
  private func changed(from configuration: RunConfiguration) throws -> RunConfiguration {
    var result = configuration
    if let preset = place.preset { result.apply(preset) }
    if let file = place.config { try result.apply(contentsOf: file, catalog: Tools.catalog, acceptsPipes: true) }
    try apply(to: &result)
    return result
  }

  private func apply(to configuration: inout RunConfiguration) throws {
    place.apply(to: &configuration)
    model.apply(to: &configuration)
    training.apply(to: &configuration)
    running.apply(to: &configuration)
    try own.apply(to: &configuration)
    configuration.makePathsAbsolute(Tools.catalog)
  }
}
