public import Files
import Foundation

/// The checkpoints of a run: folders `step-000500`, and a link `latest` to the newest of them.
public struct CheckpointFolder: Sendable {
  /// The folder that holds them.
  public let path: String

  /// Refers to a folder, which need not exist yet.
  public init(_ path: String) { self.path = path }

  /// The folder of a step's checkpoint.
  public func path(ofStep step: Int) -> String { "\(path)/\(Self.name(ofStep: step))" }

  /// The name for a step's files and folders, such as `step-000500`.
  public static func name(ofStep step: Int) -> String {
    let digits = String(step)
    return "step-\(String(repeating: "0", count: max(0, 6 - digits.count)))\(digits)"
  }

  /// The steps that have a checkpoint, in increasing order; empty if the folder does not exist.
  ///
  /// - Throws: `FileError` if the folder exists but cannot be listed, so that a run does not start again by mistake.
  public func steps() throws(FileError) -> [Int] {
    try names().compactMap(Self.step(ofName:)).sorted()
  }

  /// The path of the newest checkpoint; `nil` if there is none.
  ///
  /// It is found by the names of the folders: after a crash the link may still point to the checkpoint before.
  ///
  /// - Throws: `FileError`.
  public func latest() throws(FileError) -> String? { try steps().last.map(path(ofStep:)) }

  /// The step that a name such as `step-000500` stands for.
  static func step(ofName text: String) -> Int? {
    guard text.hasPrefix("step-"), let step = Int(text.dropFirst(5)), name(ofStep: step) == text else { return nil }
    return step
  }

  private func names() throws(FileError) -> [String] {
    do throws(FileError) {
      return try FilePath.names(in: path)
    } catch {
      if error.isMissing { return [] }
      throw error
    }
  }

  /// Writes a checkpoint, points `latest` to it and removes the oldest ones beyond a number.
  ///
  /// - Throws: `FileError`; after an error all earlier checkpoints are still there.
  public func write<Configuration>(_ checkpoint: Checkpoint<Configuration>, keeping count: Int) throws {
    try AtomicFile.createFolder(path)
    AtomicFile.removeAbandoned(in: path)
    let target = path(ofStep: checkpoint.step)
    try checkpoint.write(to: target)
    pointLatest(to: FilePath.lastPart(of: target))
    for step in try steps().dropLast(max(count, 1)) { try? Self.remove(path(ofStep: step)) }
  }

  /// Points the link `latest` to a checkpoint; errors are ignored, since the link is only for people.
  ///
  /// In a copy of the folder that followed the link, `latest` is a folder; it is removed first.
  private func pointLatest(to name: String) {
    let link = AtomicFile.temporaryPath(for: "\(path)/latest")
    guard symlink(name, link) == 0 else { return }
    if rename(link, "\(path)/latest") != 0 {
      try? Self.remove("\(path)/latest")
      if rename(link, "\(path)/latest") != 0 { unlink(link) }
    }
  }

  /// Removes a folder; it is renamed first, so that its name never stands for an incomplete folder.
  static func remove(_ path: String) throws(FileError) {
    let aside = "\(AtomicFile.temporaryPath(for: path))-old"
    guard rename(path, aside) == 0 else {
      if errno == ENOENT { return }
      throw FileError("remove", path: path)
    }
    // A second try, because an error of the disk may be temporary.
    if (try? FileManager.default.removeItem(atPath: aside)) == nil {
      try? FileManager.default.removeItem(atPath: aside)
    }
  }

  /// Reads the newest checkpoint, or `nil` if there is none.
  ///
  /// - Throws: `CheckpointError`, which for a damaged checkpoint names the one before it, if there is one; `FileError`.
  public func readLatest<Configuration>(
    as type: Configuration.Type, _ part: Checkpoint<Configuration>.Part = .all
  ) throws -> Checkpoint<Configuration>? {
    while let latest = try latest() {
      do {
        return try Checkpoint(contentsOf: latest, part)
      } catch let error as CheckpointError {
        // A run in progress removes old checkpoints, even while they are being read.
        if try self.latest() == latest { throw error.isDamaged ? advise(error) : error }
      }
    }
    return nil
  }

  /// The error with advice that names the checkpoint before the newest.
  private func advise(_ error: CheckpointError) -> CheckpointError {
    guard let steps = try? steps(), steps.count > 1 else {
      return error.advising("there is no earlier checkpoint")
    }
    let previous = path(ofStep: steps[steps.count - 2])
    return error.advising("the one before it is \(previous); delete \(error.path) to go on from there")
  }
}
