import Foundation

/// What a checkpoint of a run says about itself.
public struct RunRecord: Codable, Hashable, Sendable {
  /// The options of the run.
  public var run: RunConfiguration
  /// The model that they led to.
  public var model: ModelConfiguration
  /// The checksum of the data.
  public var data: String
  /// The steps since the last line of metrics, where the checkpoint lies between two; a resumed run reports them.
  var unreported: [Trainer.Report]?

  /// Makes a record.
  public init(run: RunConfiguration, model: ModelConfiguration, data: String) {
    self.run = run
    self.model = model
    self.data = data
  }
}

/// A model loaded from a run or a checkpoint, ready to sample from.
public struct SavedModel {
  /// The model with its weights.
  public let model: any ScoreModel
  /// The process that it was trained for.
  public let process: any DiffusionProcess
  /// What the checkpoint says about itself.
  public let record: RunRecord
  /// The number of training steps behind the weights.
  public let step: Int
  /// The checkpoint that was read.
  public let path: String

  /// The model as samples are drawn from it: with its denoised values limited, where the model was made for that.
  public var samplingModel: any ScoreModel {
    record.model.denoisedLimit.map { ClampedScore(model, process: process, limit: $0) } ?? model
  }

  /// Loads the newest checkpoint of a run folder, one checkpoint, or a folder of diffusers (see `DiffusersPipeline`).
  ///
  /// - Parameters:
  ///   - path: the folder.
  ///   - useAverage: whether the moving average of the weights is loaded rather than the last weights.
  ///   - device: where the model goes.
  /// - Throws: `RunError` or `CheckpointError`; for a folder of diffusers as `DiffusersPipeline.init(contentsOf:)`.
  public init(contentsOf path: String, useAverage: Bool = true, device: Device = .cpu) throws {
    let trimmed = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    if DiffusersPipeline.recognizes(trimmed) {
      let pipeline = try DiffusersPipeline(contentsOf: trimmed)
      var run = RunConfiguration()
      (run.model, run.process) = (.unet, pipeline.configuration.process.kind)
      record = RunRecord(run: run, model: pipeline.configuration, data: "")
      (model, process) = (pipeline.model, try pipeline.configuration.process.makeProcess())
      (step, self.path) = (0, trimmed)
      model.move(to: device)
      return
    }
    let checkpoint: Checkpoint<RunRecord>
    if FileManager.default.fileExists(atPath: "\(trimmed)/state.json") {
      self.path = trimmed
      checkpoint = try Checkpoint(contentsOf: trimmed, .weights)
    } else {
      let folder = CheckpointFolder("\(trimmed)/checkpoints")
      guard let latest = try folder.latest(), let found = try folder.readLatest(as: RunRecord.self, .weights) else {
        let reason =
          FileManager.default.fileExists(atPath: trimmed)
          ? "\(path) holds no checkpoint; name a folder that score-train --out wrote, or one of its checkpoints"
          : "\(path) does not exist; name a folder that score-train --out wrote, or one of its checkpoints"
        throw RunError(.missing, reason)
      }
      self.path = latest
      checkpoint = found
    }
    record = checkpoint.configuration
    step = checkpoint.step
    do {
      process = try record.model.process.makeProcess()
      model = try record.model.makeModel(seed: 0)
      try model.load(useAverage ? checkpoint.average : checkpoint.model)
    } catch {
      throw CheckpointError(.mismatched, self.path, "\(error)")
    }
    model.move(to: device)
  }
}
