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

  /// The name that files of a step have, such as `step-000500`.
  public static func name(ofStep step: Int) -> String {
    let digits = String(step)
    return "step-\(String(repeating: "0", count: max(0, 6 - digits.count)))\(digits)"
  }

  /// The steps that have a checkpoint, in increasing order; none where there is no such folder.
  ///
  /// - Throws: `FileError` if the folder is there and cannot be listed: that is no reason to start again.
  public func steps() throws(FileError) -> [Int] {
    try names().compactMap(Self.step(ofName:)).sorted()
  }

  /// The newest checkpoint.
  ///
  /// It is found by its name: the link may be one behind after a crash.
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
  /// - Throws: `FileError`; all earlier checkpoints are then still there.
  public func write<Configuration>(_ checkpoint: Checkpoint<Configuration>, keeping count: Int) throws {
    try AtomicFile.createFolder(path)
    AtomicFile.removeAbandoned(in: path)
    let target = path(ofStep: checkpoint.step)
    try checkpoint.write(to: target)
    pointLatest(to: FilePath.lastPart(of: target))
    for step in try steps().dropLast(max(count, 1)) { try? Self.remove(path(ofStep: step)) }
  }

  /// The link is a convenience for people: where it cannot be made, such as in a copy that followed it, it is left out.
  private func pointLatest(to name: String) {
    let link = AtomicFile.temporaryPath(for: "\(path)/latest")
    guard symlink(name, link) == 0 else { return }
    if rename(link, "\(path)/latest") != 0 {
      try? Self.remove("\(path)/latest")
      if rename(link, "\(path)/latest") != 0 { unlink(link) }
    }
  }

  /// Removes a folder, which vanishes under its name before the first of its files does.
  static func remove(_ path: String) throws(FileError) {
    let aside = "\(AtomicFile.temporaryPath(for: path))-old"
    guard rename(path, aside) == 0 else {
      if errno == ENOENT { return }
      throw FileError("remove", path: path)
    }
    // Once more where it fails: an error of the disk may pass.
    if (try? FileManager.default.removeItem(atPath: aside)) == nil {
      try? FileManager.default.removeItem(atPath: aside)
    }
  }

  /// Reads the newest checkpoint, or `nil` if there is none.
  ///
  /// - Throws: `CheckpointError`, which names the checkpoint before the newest where there is one; `FileError`.
  public func readLatest<Configuration>(
    as type: Configuration.Type, _ part: Checkpoint<Configuration>.Part = .all
  ) throws -> Checkpoint<Configuration>? {
    while let latest = try latest() {
      do {
        return try Checkpoint(contentsOf: latest, part)
      } catch let error as CheckpointError {
        // A run that goes on removes old checkpoints, also while they are being read.
        if try self.latest() == latest { throw advise(error) }
      }
    }
    return nil
  }

  /// The error with a word on the checkpoint before the newest.
  private func advise(_ error: CheckpointError) -> CheckpointError {
    guard let steps = try? steps(), steps.count > 1 else {
      return error.advising("there is no earlier checkpoint")
    }
    let previous = path(ofStep: steps[steps.count - 2])
    return error.advising("the one before it is \(previous); delete \(error.path) to go on from there")
  }
}
