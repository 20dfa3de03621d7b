import Foundation

/// The peer's side of a benchmark: a process that runs when told to, and otherwise waits.
final class Peer {
  /// Why there is no peer, or no answer from it: one sentence.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// The versions of a Python and of those of its packages that peers need, by name.
  struct Versions: Codable {
    let python: String
    let packages: [String: String]
  }

  /// The number of parameters of the peer's network, or of iterations that its solver takes.
  private(set) var count = 0
  private let name: String
  private let process: Process
  private let input: FileHandle
  private let output: FileHandle
  private var unread = Data()

  /// Starts a peer's script and waits until it is ready.
  ///
  /// - Parameter folder: where its input is, if it needs any.
  convenience init(_ name: String, threads: Int, folder: String?, python: String) throws {
    try self.init(name, Self.start(python, [name, "\(threads)"] + (folder.map { [$0] } ?? [])))
  }

  /// Starts this program to take steps with some kernels off, and waits until it is ready.
  convenience init(_ step: KernelStep, threads: Int, kernelsOff: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = ["--kernel-step", step.rawValue, "--threads", "\(threads)"]
    process.environment = ProcessInfo.processInfo.environment
      .merging(["SCOREKIT_KERNELS_OFF": kernelsOff.joined(separator: ",")]) { $1 }
    try self.init(step.rawValue, Self.start(process))
  }

  private init(_ name: String, _ started: (Process, FileHandle, FileHandle)) throws {
    self.name = name
    (process, input, output) = started
    guard let count = try Int(answer(to: nil, "ready")) else { throw Failure(description: "\(name): no count") }
    self.count = count
  }

  deinit {
    try? input.close()
    process.waitUntilExit()
  }

  /// Does the work a number of times: the seconds that it took.
  func run(_ iterations: Int) throws -> Double {
    let command = TimeKeeping.current == .wall ? "run" : "run-by-processor-time"
    guard let seconds = try Double(answer(to: "\(command) \(iterations)", "seconds")) else {
      throw Failure(description: "\(name): the peer gave no time")
    }
    return seconds
  }

  /// Asks a Python for the packages of the peers.
  ///
  /// - Throws: `Failure` if there is no such Python.
  static func versions(python: String) throws -> Versions {
    let failure = Failure(
      description: "\(python) does not run, so ScoreKit is timed without it: name a Python with --python")
    guard let (process, _, output) = try? start(python, ["versions"], quietly: true) else { throw failure }
    let data = try? output.readToEnd()
    process.waitUntilExit()
    guard process.terminationStatus == 0, let data, let versions = try? JSONDecoder().decode(Versions.self, from: data)
    else { throw failure }
    return versions
  }

  private static func start(
    _ python: String, _ arguments: [String], quietly: Bool = false
  ) throws -> (Process, FileHandle, FileHandle) {
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("peers/peer.py")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [python, script.path] + arguments
    if quietly { process.standardError = FileHandle.nullDevice }
    // The tools of ScoreKit set this for themselves; the peer runs as its users have it.
    process.environment = ProcessInfo.processInfo.environment.filter { $0.key != "MKL_CBWR" }
    return try start(process)
  }

  private static func start(_ process: Process) throws -> (Process, FileHandle, FileHandle) {
    let (input, output) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    try input.fileHandleForReading.close()
    return (process, input.fileHandleForWriting, output.fileHandleForReading)
  }

  /// Writes a line and reads the next, `<word> <value>`: the value.
  private func answer(to question: String?, _ word: String) throws -> String {
    do {
      if let question { try input.write(contentsOf: Data("\(question)\n".utf8)) }
    } catch {
      throw Failure(description: "\(name): the peer ended; its messages are above")
    }
    while !unread.contains(UInt8(ascii: "\n")) {
      let data = output.availableData
      guard !data.isEmpty else { throw Failure(description: "\(name): the peer ended; its messages are above") }
      unread += data
    }
    let line = unread.prefix { $0 != UInt8(ascii: "\n") }
    unread = unread.dropFirst(line.count + 1)
    let parts = String(decoding: line, as: UTF8.self).split(separator: " ", maxSplits: 1).map(String.init)
    if parts.count == 2, parts[0] == "error" { throw Failure(description: "\(name): \(parts[1])") }
    guard parts.count == 2, parts[0] == word else {
      throw Failure(description: "\(name): the peer answered “\(String(decoding: line, as: UTF8.self))”")
    }
    return parts[1]
  }
}
