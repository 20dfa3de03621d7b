internal import Checkpoints
import EventFiles
internal import Files
internal import Imaging
internal import Samplers

extension TrainingRun {
  /// Whether a picture of samples is due at the present step.
  var isPictureDue: Bool {
    let every = configuration.sampleEvery
    return every > 0 && (trainer.step % every == 0 || trainer.step == configuration.steps)
  }

  /// Draws the picture of the step at which a run resumes, if the process before it ended after the checkpoint but
  /// before the picture or its event.
  ///
  /// - Returns: as `drawSamples`.
  func drawMissingSamples(
    _ events: EventFile?, _ shouldStop: () -> Bool, _ observe: (Event) throws -> Void
  ) throws -> Bool {
    guard trainer.step > 0, isPictureDue, let file = samplesPath else { return true }
    let isRecorded = try events?.holdsEarlier(tag: Self.samplesTag, step: trainer.step) ?? true
    if isRecorded, try FilePath.exists(file) { return true }
    return try drawSamples(isRecorded ? nil : events, shouldStop, observe)
  }

  /// Draws the picture of the present step and records it; if sampling fails, the training continues.
  ///
  /// - Parameter shouldStop: called after each step of the sampler.
  /// - Returns: `false` if `shouldStop` returned `true`; then nothing was written.
  func drawSamples(
    _ events: EventFile?, _ shouldStop: () -> Bool, _ observe: (Event) throws -> Void
  ) throws -> Bool {
    guard let file = samplesPath else { return true }
    do {
      let picture = try unlessStopped(shouldStop) { check in try samplesPicture { _ in try check() } }
      guard let picture else { return false }
      try AtomicFile.createFolder(FilePath.folder(of: file))
      try picture.write(toPNG: file)
      try events?.append([(Self.samplesTag, try .image(picture))], step: trainer.step)
      try observe(.samples(path: file))
    } catch let error as SamplerError {
      try observe(.noSamples(reason: error.description))
    }
    return true
  }

  private static let samplesTag = "samples"

  /// The file of the present step's picture; `nil` for data that have no picture.
  private var samplesPath: String? {
    let shape = record.model.shape
    guard shape.count == 3 || shape == [2] else { return nil }
    return "\(path)/samples/\(CheckpointFolder.name(ofStep: trainer.step)).png"
  }

  /// A picture drawn with the moving average: 8×8 images, or 2,000 points over some of the data.
  private func samplesPicture(observe: @escaping (SamplerState) throws -> Void) throws -> Image {
    let shape = record.model.shape
    let isImage = shape.count == 3
    let count = isImage ? 64 : 2000
    let seeds = (0..<count).map { configuration.options.seed &+ UInt64($0) }
    let samples = try trainer.withAveragedWeights {
      try HeunSampler().sample(
        from: trainer.model, process: trainer.process, shape: shape, seeds: seeds,
        condition: record.model.condition(seeds: seeds), observe: observe)
    }
    // Data that have become unreadable are left out: the training says so at the next batch.
    return try Image.picture(of: samples, columns: isImage ? 8 : nil, over: try? dataset.pointsBehindSamples())
  }
}
