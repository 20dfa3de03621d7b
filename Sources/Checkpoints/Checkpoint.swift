public import Files
import Foundation
public import Torch

/// A saved state of training: a folder of safetensors files and a `state.json` that describes them.
///
/// ```
/// step-000500/model.safetensors      the weights
/// step-000500/ema.safetensors        their moving average
/// step-000500/optimizer.safetensors  the state of the optimizer
/// step-000500/state.json             step, configuration, and size and CRC-32 of the files
/// step-000500/state.crc32            CRC-32 of state.json
/// ```
/// A folder with such a name is always complete: it is written under another name, flushed to the disk, then renamed.
/// Reading verifies all bytes that it uses before it decodes any of them. Nothing in a checkpoint is executed.
public struct Checkpoint<Configuration: Codable & Sendable> {
  /// The number of training steps that led to the weights.
  public var step: Int
  /// The configuration: all that is needed to build the model and to read the weights.
  public var configuration: Configuration
  /// The weights by name.
  public var model: [String: Tensor]
  /// The moving average of the weights by name.
  public var average: [String: Tensor]
  /// The state of the optimizer by name; empty if it was not read.
  public var optimizer: [String: Tensor]

  /// Makes a checkpoint in memory; `write(to:)` saves it.
  public init(
    step: Int, configuration: Configuration, model: [String: Tensor], average: [String: Tensor],
    optimizer: [String: Tensor]
  ) {
    self.step = step
    self.configuration = configuration
    self.model = model
    self.average = average
    self.optimizer = optimizer
  }

  /// The parts of a checkpoint to read.
  public enum Part: Sendable {
    /// Weights and moving average: enough to sample.
    case weights
    /// Everything: enough to go on training.
    case all
  }

  // MARK: Writing

  /// Writes the checkpoint as a folder that appears complete or not at all.
  ///
  /// - Throws: `FileError`; after an error no file is left behind.
  public func write(to path: String) throws {
    let partial = AtomicFile.temporaryPath(for: path)
    try? FileManager.default.removeItem(atPath: partial)
    try AtomicFile.createFolder(partial)
    do {
      var files: [String: CheckpointFile] = [:]
      for (name, tensors) in [
        ("model.safetensors", model), ("ema.safetensors", average), ("optimizer.safetensors", optimizer),
      ] {
        let data = try Safetensors(tensors).encoded()
        try AtomicFile.writeAndFlush(data, to: "\(partial)/\(name)")
        files[name] = CheckpointFile(bytes: data.count, crc32: CRC32.hexadecimal(data))
      }
      let manifest = Manifest(format: 1, step: step, configuration: configuration, files: files)
      let state = try Self.encoder.encode(manifest)
      try AtomicFile.writeAndFlush(state, to: "\(partial)/state.json")
      try AtomicFile.writeAndFlush(Data(CRC32.hexadecimal(state).utf8), to: "\(partial)/state.crc32")
      try AtomicFile.flushFolder(partial)
      // An existing checkpoint of the same step stays until the new one is complete.
      if try FilePath.exists(path), try AtomicFile.exchange(partial, path) {
        try AtomicFile.flushFolder(FilePath.folder(of: path))
        try? FileManager.default.removeItem(atPath: partial)
      } else {
        try CheckpointFolder.remove(path)
        try AtomicFile.move(partial, to: path)
        try AtomicFile.flushFolder(FilePath.folder(of: path))
      }
    } catch {
      try? FileManager.default.removeItem(atPath: partial)
      // The user knows the checkpoint by its final name.
      if let failure = error as? FileError { throw FileError("write", path: path, code: failure.code) }
      throw error
    }
  }

  // MARK: Reading

  /// Reads a checkpoint.
  ///
  /// - Throws: `CheckpointError` if it is missing, damaged or of another kind.
  public init(contentsOf path: String, _ part: Part = .all) throws {
    let manifest = try Self.manifest(of: path)
    func tensors(_ name: String) throws -> [String: Tensor] {
      guard let expected = manifest.files[name] else {
        throw CheckpointError(.data, path, "its state.json does not list \(name)")
      }
      let data = try readFile(name, of: path, size: expected.bytes)
      guard CRC32.hexadecimal(data) == expected.crc32 else {
        throw CheckpointError(.data, path, "the bytes of \(name) do not match their checksum", isDamaged: true)
      }
      do {
        return try Safetensors(data: data).tensors
      } catch {
        throw CheckpointError(.data, path, "\(name): \(error)", isDamaged: true)
      }
    }
    self.init(
      step: manifest.step, configuration: manifest.configuration, model: try tensors("model.safetensors"),
      average: try tensors("ema.safetensors"), optimizer: part == .all ? try tensors("optimizer.safetensors") : [:])
  }

  private static func manifest(of path: String) throws -> Manifest {
    let data = try readFile("state.json", of: path)
    let checksum = try readFile("state.crc32", of: path, size: 8)
    guard checksum == Data(CRC32.hexadecimal(data).utf8) else {
      throw CheckpointError(
        .data, path, "the bytes of state.json do not match the checksum in state.crc32", isDamaged: true)
    }
    guard let manifest = try? JSONDecoder().decode(Manifest.self, from: data) else {
      throw CheckpointError(.data, path, "its state.json is not of the kind that this program writes")
    }
    guard manifest.format == 1 else {
      throw CheckpointError(.data, path, "it has format \(manifest.format), and this program reads format 1")
    }
    guard (0...1_000_000_000_000).contains(manifest.step) else {
      throw CheckpointError(.data, path, "it claims to be of step \(manifest.step)")
    }
    if let step = CheckpointFolder.step(ofName: FilePath.lastPart(of: path)), step != manifest.step {
      throw CheckpointError(
        .data, path,
        "its name says step \(step), and its state.json step \(manifest.step); give it the right name")
    }
    return manifest
  }

  private static var encoder: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    return encoder
  }

  private struct Manifest: Codable {
    let format: Int
    let step: Int
    let configuration: Configuration
    let files: [String: CheckpointFile]
  }
}

private struct CheckpointFile: Codable {
  let bytes: Int
  let crc32: String
}

/// Reads a file of a checkpoint; a file of unexpected size is refused unread.
private func readFile(_ name: String, of checkpoint: String, size: Int? = nil) throws -> Data {
  do {
    let file = try InputFile("\(checkpoint)/\(name)")
    if let size, file.size != size {
      throw CheckpointError(.data, checkpoint, "\(name) has \(file.size) bytes instead of \(size)", isDamaged: true)
    }
    return try file.contents(limit: size ?? InputFile.descriptionLimit)
  } catch let error as FileError {
    if error.isMissing { throw CheckpointError(.missing, checkpoint, "it has no \(name)", isDamaged: true) }
    if error.isTooLarge {
      throw CheckpointError(.data, checkpoint, "\(name): \(error.reason ?? "it is too large")", isDamaged: true)
    }
    if error.isOutOfMemory { throw error }
    throw CheckpointError(.inputOutput, checkpoint, error.sentence)
  }
}

/// A checkpoint that cannot be used.
public struct CheckpointError: Failure, Equatable {
  /// What kind of failure it is.
  public let kind: FailureKind
  /// The path of the checkpoint's folder.
  public let path: String
  /// One sentence: where, what is wrong, and what to do.
  public var description: String { sentence.description }
  /// The sentence.
  public var sentence: Sentence { "checkpoint \(path) cannot be used: \(reason)\(advice)" }

  /// Whether files are missing or hold other bytes than were written, so that the checkpoint is lost.
  public let isDamaged: Bool
  private let reason: Sentence
  private var advice: Sentence = ""

  /// Makes an error from the reason, the end of a sentence.
  public init(_ kind: FailureKind, _ path: String, _ reason: Sentence, isDamaged: Bool = false) {
    self.kind = kind
    self.path = path
    self.reason = reason
    self.isDamaged = isDamaged
  }

  /// The same error with advice at the end of its sentence.
  public func advising(_ advice: Sentence) -> CheckpointError {
    var copy = self
    copy.advice = "; \(advice)"
    return copy
  }
}
