public import Checkpoints
internal import Files
import Foundation
public import ScoreModels
internal import ScoreTraining
public import Torch

/// The description of a run that its checkpoints contain.
public struct RunRecord: Codable, Hashable, Sendable {
  /// The options of the run.
  public var run: RunConfiguration
  /// The configuration of the model that follows from the options.
  public var model: ModelConfiguration
  /// The checksum of the data.
  public var data: String
  /// The first part of the names of the tools that wrote it, if they are not ScoreKit's own: `my` for `my-train`.
  public var program: String?
  /// The steps since the last line of metrics, if the checkpoint lies between two lines; a resumed run reports them.
  var unreported: [Trainer.Report]?

  /// Makes a record.
  public init(run: RunConfiguration, model: ModelConfiguration, data: String, program: String? = nil) {
    self.run = run
    self.model = model
    self.data = data
    self.program = program
  }
}

/// A model loaded from a run or a checkpoint, ready to sample from.
public struct SavedModel {
  /// The model with its weights.
  public let model: any ScoreModel
  /// The process that it was trained for.
  public let process: any DiffusionProcess
  /// The description of the run, from the checkpoint.
  public let record: RunRecord
  /// The number of training steps that led to the weights.
  public let step: Int
  /// The checkpoint that was read.
  public let path: String

  /// The model for drawing samples: a `ClampedScore` if its configuration limits denoised values, else `model`.
  public var samplingModel: any ScoreModel {
    record.model.denoisedLimit.map { ClampedScore(model, process: process, limit: $0) } ?? model
  }

  /// Loads the newest checkpoint of a run folder, one checkpoint, or a folder of diffusers (see `DiffusersPipeline`).
  ///
  /// The run may be in progress: symbolic links are followed only once, and if a checkpoint is pruned while it is read,
  /// the newest one is looked up again.
  ///
  /// - Parameters:
  ///   - path: the folder.
  ///   - useAverage: whether the moving average of the weights is loaded instead of the last weights.
  ///   - device: the device that the model is moved to.
  ///   - catalog: what the program adds to the built-in models.
  /// - Throws: `RunError`, `CheckpointError` or `FileError`; for a folder of diffusers as
  ///   `DiffusersPipeline.init(contentsOf:)`.
  public init(
    contentsOf path: String, useAverage: Bool = true, device: Device = .cpu, catalog: Catalog = .builtIn
  ) throws {
    let folder = try Self.folder(path)
    if try DiffusersPipeline.recognizes(folder) {
      let pipeline = try DiffusersPipeline(contentsOf: folder)
      var run = RunConfiguration()
      (run.model, run.process) = (.unet, pipeline.configuration.process.kind)
      record = RunRecord(run: run, model: pipeline.configuration, data: "")
      (model, process) = (pipeline.model, try pipeline.configuration.process.makeProcess())
      (step, self.path) = (0, folder)
      model.move(to: device)
      return
    }
    let checkpoint: Checkpoint<RunRecord>
    (checkpoint, self.path) = try Self.checkpoint(path)
    record = checkpoint.configuration
    step = checkpoint.step
    do {
      process = try record.model.process.makeProcess(catalog)
      model = try record.model.makeModel(
        weights: useAverage ? checkpoint.average : checkpoint.model, catalog: catalog)
    } catch let unknown as UnknownModel {
      let owner = record.program.map { "\($0)-train wrote it, and \($0)-sample draws from it" }
      throw RunError(
        .usage,
        "\(self.path) has the \(unknown.what) \(unknown.name), which this program does not know; \(owner ?? "use the program that trained it")"
      )
    } catch {
      throw CheckpointError(.data, self.path, "\(error)")
    }
    model.move(to: device)
  }

  private static let advice: Sentence =
    "name a folder that score-train \(option: "out") wrote, or one of its checkpoints"

  /// The folder that a path leads to at present, with symbolic links resolved.
  private static func folder(_ path: String) throws -> String {
    let folder: String
    do throws(FileError) {
      folder = try resolvedPath(path)
    } catch {
      guard error.isMissing || error.code == ENOTDIR else { throw error }
      throw RunError(.missing, "\(path) does not exist; \(advice)")
    }
    guard try FilePath.isFolder(folder) else {
      // For a device or pipe this gives a better error.
      _ = try InputFile(folder)
      throw RunError(.missing, "\(path) is a file; \(advice)")
    }
    return folder
  }

  /// Reads a checkpoint, or the newest one of a run, with its path.
  private static func checkpoint(_ path: String) throws -> (Checkpoint<RunRecord>, path: String) {
    var attempts = 5
    while true {
      do {
        let folder = try folder(path)
        if try FilePath.exists("\(folder)/state.json") { return (try Checkpoint(contentsOf: folder, .weights), folder) }
        let checkpoints = CheckpointFolder("\(folder)/checkpoints")
        guard let checkpoint = try checkpoints.readLatest(as: RunRecord.self, .weights) else {
          throw RunError(.missing, "\(path) holds no checkpoint; \(advice)")
        }
        return (checkpoint, checkpoints.path(ofStep: checkpoint.step))
      } catch let error as CheckpointError where error.kind == .missing && attempts > 1 {
        // The run may have pruned this checkpoint.
        attempts -= 1
      }
    }
  }
}
