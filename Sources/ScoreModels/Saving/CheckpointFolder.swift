import FileSupport
import Foundation

/// The checkpoints of a run: folders `step-000500`, and a link `latest` to the newest of them.
public struct CheckpointFolder: Sendable {
  /// The folder that holds them.
  public let path: String

  /// Refers to a folder, which need not exist yet.
  public init(_ path: String) { self.path = path }

  /// The folder of a step's checkpoint.
  public func path(ofStep step: Int) -> String {
    let digits = String(step)
    return "\(path)/step-\(String(repeating: "0", count: max(0, 6 - digits.count)))\(digits)"
  }

  /// The steps that have a checkpoint, in increasing order.
  public var steps: [Int] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return names.compactMap { name in
      guard name.hasPrefix("step-"), let step = Int(name.dropFirst(5)), path(ofStep: step).hasSuffix("/\(name)") else {
        return nil
      }
      return step
    }.sorted()
  }

  /// The newest checkpoint.
  ///
  /// It is found by its name: the link may be one behind after a crash.
  public var latest: String? { steps.last.map(path(ofStep:)) }

  /// Writes a checkpoint, points `latest` to it and removes the oldest ones beyond a number.
  ///
  /// - Throws: `FileError`; all earlier checkpoints are then still there.
  public func write<Configuration>(_ checkpoint: Checkpoint<Configuration>, keeping count: Int) throws {
    try AtomicFile.createFolder(path)
    removeLeftovers()
    let target = path(ofStep: checkpoint.step)
    try checkpoint.write(to: target)
    let link = "\(path)/latest.partial-\(ProcessInfo.processInfo.processIdentifier)"
    try? FileManager.default.removeItem(atPath: link)
    if symlink((target as NSString).lastPathComponent, link) == 0 {
      try AtomicFile.move(link, to: "\(path)/latest")
    }
    for step in steps.dropLast(max(count, 1)) {
      try? FileManager.default.removeItem(atPath: path(ofStep: step))
    }
  }

  /// Reads the newest checkpoint, or `nil` if there is none.
  ///
  /// - Throws: `CheckpointError`, which names the checkpoint before the newest where there is one.
  public func readLatest<Configuration>(
    as type: Configuration.Type, _ part: Checkpoint<Configuration>.Part = .all
  ) throws -> Checkpoint<Configuration>? {
    guard let latest else { return nil }
    do {
      return try Checkpoint(contentsOf: latest, part)
    } catch let error as CheckpointError {
      throw advise(error)
    }
  }

  /// The error with a word on the checkpoint before the newest.
  public func advise(_ error: CheckpointError) -> CheckpointError {
    guard let previous = steps.last(where: { path(ofStep: $0) != error.path && "\(path(ofStep: $0))" < error.path })
    else {
      return error.advising("there is no earlier checkpoint")
    }
    return error.advising("the one before it is \(path(ofStep: previous)); delete \(error.path) to go on from there")
  }

  /// Removes what a write that was killed has left behind.
  private func removeLeftovers() {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    for name in names where name.contains(".partial-") {
      try? FileManager.default.removeItem(atPath: "\(path)/\(name)")
    }
  }
}
