internal import Checkpoints
public import Datasets
import EventFiles
internal import Files
import Foundation
internal import Plotting
public import ScoreModels
public import ScoreTraining
internal import Torch

/// A training run and its folder.
///
/// ```
/// RUN/config.json            all options
/// RUN/metrics.jsonl          the metrics, a JSON object on each line
/// RUN/loss.png               the loss as a curve
/// RUN/samples/step-000500.png
/// RUN/evaluation.json        the loss and the asymmetry of the Jacobian at each noise level, at the end
/// RUN/tensorboard/           the same for TensorBoard, if requested
/// RUN/checkpoints/step-000500/…, latest
/// ```
public final class TrainingRun {
  /// The events that `train` reports to its caller.
  public enum Event {
    /// A step was taken.
    case step(Trainer.Report, examplesPerSecond: Double)
    /// A checkpoint was written.
    case checkpoint(path: String)
    /// A picture of samples was written.
    case samples(path: String)
    /// Samples could not be drawn from the present weights; the training continues.
    case noSamples(reason: String)
    /// The model was evaluated at the end of the training.
    case evaluation(Evaluation, path: String)
    /// The model could not be evaluated; the training is still complete.
    case noEvaluation(reason: String)
  }

  /// How `train` ended.
  public enum Outcome: Equatable, Sendable {
    /// All steps were taken.
    case finished
    /// `shouldStop` returned `true`, and a checkpoint was written; at the last step only the evaluation is missing.
    case stopped(step: Int)
  }

  /// The run's folder.
  public let path: String
  /// The options, with every choice made.
  public let configuration: ResolvedConfiguration
  /// The data.
  public let dataset: Dataset
  /// The trainer, at the run's present step.
  public let trainer: Trainer

  let record: RunRecord
  let catalog: Catalog
  private let checkpoints: CheckpointFolder
  private lazy var metrics = MetricsFile(path: "\(path)/metrics.jsonl")
  private var interval = MetricsInterval()
  private var events: EventFile?
  private let lock: FolderLock
  /// The number of checkpoints that are kept.
  private static let keptCheckpoints = 3
  /// The number of steps between lines of metrics.
  private static let metricsInterval = 10

  private init(
    _ configuration: RunConfiguration, at path: String, catalog: Catalog, lock: FolderLock,
    resuming: Checkpoint<RunRecord>? = nil
  ) throws {
    guard let source = configuration.data else {
      throw RunError(.usage, "\(option: "data") is missing: name a built-in data set or a path")
    }
    try configuration.validate(catalog)
    self.lock = lock
    self.catalog = catalog
    // CUDA has to be loaded before the first tensor is made.
    let device = try Device.prepared(configuration.device)
    let dataset = try catalog.load(
      source, options: configuration.dataOptions, labels: configuration.labels, seed: configuration.seed,
      loading: configuration.loading)
    // The last bits of σ_d depend on the number of threads: a resumed run keeps the value that it began with.
    var prepared = configuration
    prepared.device = device.description
    var (resolved, model) = try prepared.resolved(
      for: dataset, sigmaData: resuming?.configuration.model.sigmaData, catalog: catalog)
    // A resumed run keeps the form of the energy that it began with.
    if let resuming { model.energyForm = resuming.configuration.model.energyForm }
    try Engine.startThreads(resolved.threads)
    self.path = path
    self.configuration = resolved
    self.dataset = dataset
    record = RunRecord(run: resolved.options, model: model, data: try dataset.fingerprint, program: catalog.name)
    checkpoints = CheckpointFolder("\(path)/checkpoints")

    if let resuming { try Self.check(resuming, against: record, catalog, at: path) }
    trainer = try resolved.makeTrainer(of: model, on: dataset, device: device, catalog: catalog)
  }

  /// Starts a run in a folder that holds no checkpoint.
  ///
  /// - Parameters:
  ///   - configuration: the options.
  ///   - path: the folder.
  ///   - catalog: what the program adds to the built-in models.
  /// - Throws: `RunError`, `DataError`, `FileError`; after an error the folder is as it was before.
  public static func start(
    _ configuration: RunConfiguration, at path: String, catalog: Catalog = .builtIn
  ) throws -> TrainingRun {
    // The lock is taken first, so that the folder cannot change after it was examined.
    let lock = try lock(path)
    do {
      if let checkpoint = try CheckpointFolder("\(path)/checkpoints").latest() {
        throw RunError(
          .usage,
          "\(path) holds \(checkpoint) already; add \(option: "resume") to go on with it, or choose another \(option: "out")"
        )
      }
      let run = try TrainingRun(configuration, at: path, catalog: catalog, lock: lock)
      run.removeAbandoned()
      try run.metrics.truncate(after: 0)
      try AtomicFile.write(try run.configuration.options.encoded(), to: "\(path)/config.json")
      return run
    } catch {
      lock.removeCreatedFolders()
      throw error
    }
  }

  /// Continues the run of a folder from its newest checkpoint, or from the beginning if it has none.
  ///
  /// - Parameters:
  ///   - path: the folder.
  ///   - catalog: what the program adds to the built-in models.
  ///   - changing: changes the saved options; only those in `RunConfiguration.changeableOnResume` may change.
  /// - Throws: `RunError`, `CheckpointError`, `DataError`, `FileError`.
  public static func resume(
    at path: String, catalog: Catalog = .builtIn, changing: (inout RunConfiguration) throws -> Void = { _ in }
  ) throws -> TrainingRun {
    let file = "\(path)/config.json"
    guard try FilePath.exists(file) else {
      throw RunError(.missing, "\(path) holds no run to resume; start one with \(option: "data")")
    }
    let lock = try lock(path)
    let saved = try RunConfiguration(contentsOf: file, catalog: catalog)
    var configuration = saved
    try changing(&configuration)
    let folder = CheckpointFolder("\(path)/checkpoints")
    let checkpoint = try folder.readLatest(as: RunRecord.self)
    let run = try TrainingRun(configuration, at: path, catalog: catalog, lock: lock, resuming: checkpoint)
    run.removeAbandoned()
    if let checkpoint { try run.restore(checkpoint) }
    try run.metrics.truncate(after: run.trainer.step)
    if run.configuration.options != saved { try AtomicFile.write(try run.configuration.options.encoded(), to: file) }
    return run
  }

  /// Checks that a checkpoint belongs to the run, before a model is built from its options.
  private static func check(
    _ checkpoint: Checkpoint<RunRecord>, against record: RunRecord, _ catalog: Catalog, at run: String
  ) throws {
    let path = CheckpointFolder("\(run)/checkpoints").path(ofStep: checkpoint.step)
    var written = checkpoint.configuration
    // Runs from before these options existed keep their data in memory and have the default weighting.
    if written.run.loading == .automatic { written.run.loading = record.run.loading }
    if written.run.weighting == nil { written.run.weighting = record.run.defaultWeighting }
    if written.run.sigmaMin == nil {
      (written.run.sigmaMin, written.run.sigmaMax) = (record.run.sigmaMin, record.run.sigmaMax)
    }
    if written.run.noiseMean == nil, record.run.noiseMean == RunConfiguration.noiseMean {
      written.run.noiseMean = record.run.noiseMean
    }
    if written.run.noiseDeviation == nil, record.run.noiseDeviation == RunConfiguration.noiseDeviation {
      written.run.noiseDeviation = record.run.noiseDeviation
    }
    if let name = record.run.difference(from: written.run, except: RunConfiguration.changeableOnResume) {
      throw CheckpointError(
        .data, path, "it belongs to another run or model, with another \(option: name) than \(run)/config.json has")
    }
    guard written.model == record.model else {
      throw CheckpointError(.data, path, "it belongs to another model than \(run)/config.json describes")
    }
    guard written.data == record.data else {
      throw CheckpointError(
        .data, path,
        "it was written for other data than \(record.run.data ?? "") holds now (\(written.data), not \(record.data))")
    }
    if let steps = record.run.steps, steps < checkpoint.step {
      throw RunError(
        .usage, "\(option: "steps") \(steps) is fewer than the \(checkpoint.step) that \(run) has taken already")
    }
    do {
      for weights in [checkpoint.model, checkpoint.average] {
        try record.model.check(weights: weights, catalog: catalog)
      }
    } catch {
      throw CheckpointError(.data, path, "\(error)")
    }
  }

  private func restore(_ checkpoint: Checkpoint<RunRecord>) throws {
    do {
      try trainer.restore(checkpoint)
    } catch {
      throw CheckpointError(.data, checkpoints.path(ofStep: checkpoint.step), "\(error)")
    }
    interval = MetricsInterval(checkpoint.configuration.unreported ?? [])
  }

  /// Keeps other processes from training in the same folder until this one ends.
  private static func lock(_ path: String) throws -> FolderLock {
    guard let lock = try FolderLock.take(path) else {
      throw RunError(
        .usage, "\(path) is being trained by another process; wait for it or choose another \(option: "out")")
    }
    return lock
  }

  /// Removes incomplete files that killed processes left behind.
  private func removeAbandoned() {
    for folder in [path, "\(path)/checkpoints", "\(path)/samples", "\(path)/tensorboard"] {
      AtomicFile.removeAbandoned(in: folder)
    }
  }

  // MARK: Training

  /// Takes the remaining steps.
  ///
  /// - Parameters:
  ///   - shouldStop: called after each step and each batch of the evaluation; if it returns `true`, a checkpoint is
  ///     written and `stopped` is returned.
  ///   - observe: called with each event.
  /// - Throws: `TrainingDiverged`, `FileError`; earlier checkpoints stay valid.
  public func train(
    shouldStop: () -> Bool = { false }, observe: (Event) throws -> Void = { _ in }
  ) throws -> Outcome {
    let (start, steps) = (trainer.step, configuration.steps)
    events = try makeEventFile()
    if try !drawMissingSamples(events, shouldStop, observe) { return .stopped(step: trainer.step) }
    interval.restartClock()
    while trainer.step < steps {
      let report = try trainer.advance()
      interval.add(report)
      let rate = interval.rate * Double(trainer.settings.batchSize)
      let isLast = report.step == steps
      if report.step % Self.metricsInterval == 0 || isLast {
        let record = interval.record(examplesPerSecond: rate)
        try metrics.append(record)
        try events?.append(record.events, step: record.step)
        interval = MetricsInterval()
      }
      try observe(.step(report, examplesPerSecond: rate))
      let isStopping = !isLast && shouldStop()
      let isCheckpointDue = report.step % configuration.checkpointEvery == 0 || isLast
      if isCheckpointDue || isStopping { try save(observe) }
      if isStopping { return .stopped(step: report.step) }
      if isPictureDue {
        guard try drawSamples(events, shouldStop, observe) else {
          if !isCheckpointDue { try save(observe) }
          return .stopped(step: report.step)
        }
        interval.restartClock()
      }
    }
    try writeLossCurve()
    if trainer.step == start, let evaluation = presentEvaluation {
      try appendIfMissing(evaluation, to: events)
      return .finished
    }
    return try evaluate(shouldStop: shouldStop) { event in
      if case .evaluation(let evaluation, _) = event { try events?.append(evaluation.events, step: steps) }
      try observe(event)
    }
  }

  /// Writes a checkpoint and the curve of the loss.
  private func save(_ observe: (Event) throws -> Void) throws {
    // If the checkpoint survives a power cut, the metrics and events before it must survive too.
    try metrics.flush()
    try events?.flush()
    var record = record
    record.unreported = interval.reports.isEmpty ? nil : interval.reports
    try checkpoints.write(Checkpoint(trainer.state, configuration: record), keeping: Self.keptCheckpoints)
    try writeLossCurve()
    try observe(.checkpoint(path: checkpoints.path(ofStep: trainer.step)))
    interval.restartClock()
  }

  private func writeLossCurve() throws {
    guard !metrics.records.isEmpty else { return }
    let points = metrics.records.map { (x: Double($0.step), y: $0.loss) }
    try LineChart.loss(points).image().write(toPNG: "\(path)/loss.png")
  }
}
