import Foundation
import Testing

/// One of the built command-line tools, run as a user runs it.
struct Tool {
  let name: String

  static let train = Tool(name: "score-train")
  static let sample = Tool(name: "score-sample")
  static let export = Tool(name: "score-export")
  static let evaluate = Tool(name: "score-evaluate")

  /// The products lie beside the test bundle.
  var path: String {
    URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().appendingPathComponent(name).path
  }

  struct Result {
    let status: Int32
    let output: String
    let errors: String

    /// What the tool said of a failure: the lines that begin with `error:`.
    var errorLines: [Substring] { errors.split(separator: "\n").filter { $0.hasPrefix("error: ") } }
  }

  /// Starts the tool; its output goes to files in `folder`.
  func start(_ arguments: [String], in folder: String, shell: String? = nil) throws -> Process {
    let process = Process()
    if let shell {
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      process.arguments = ["-c", "\(shell); exec \"$0\" \"$@\"", path] + arguments
    } else {
      process.executableURL = URL(fileURLWithPath: path)
      process.arguments = arguments
    }
    process.standardInput = FileHandle.nullDevice
    for (suffix, keyPath) in [("out", \Process.standardOutput), ("err", \Process.standardError)] {
      let file = "\(folder)/tool.\(suffix)"
      try Data().write(to: URL(fileURLWithPath: file))
      process[keyPath: keyPath] = FileHandle(forWritingAtPath: file)
    }
    try process.run()
    return process
  }

  /// Runs the tool to its end.
  func run(_ arguments: [String], in folder: String, shell: String? = nil) throws -> Result {
    let process = try start(arguments, in: folder, shell: shell)
    process.waitUntilExit()
    func text(_ suffix: String) -> String {
      (try? String(contentsOfFile: "\(folder)/tool.\(suffix)", encoding: .utf8)) ?? ""
    }
    return Result(status: process.terminationStatus, output: text("out"), errors: text("err"))
  }

  /// Expects the tool to fail with a status and one sentence that holds all of the given words.
  func expectFailure(
    _ arguments: [String], status: Int32, mentioning words: [String], in folder: String, shell: String? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let result = try run(arguments, in: folder, shell: shell)
    #expect(result.status == status, "\(result.errors)", sourceLocation: sourceLocation)
    #expect(result.errorLines.count == 1, "\(result.errors)", sourceLocation: sourceLocation)
    let line = result.errorLines.first ?? ""
    for word in words {
      #expect(line.contains(word), "\(result.errors) does not mention \(word)", sourceLocation: sourceLocation)
    }
  }
}

/// The options of a run on the digits that takes a second.
func tinyRun(_ out: String, steps: Int = 8, checkpointEvery: Int = 4) -> [String] {
  [
    "--data", "digits", "--out", out, "--steps", "\(steps)", "--checkpoint-every", "\(checkpointEvery)",
    "--sample-every", "0", "--batch-size", "8", "--channels", "8,8", "--blocks", "1", "--threads", "1", "--device",
    "cpu",
    "--progress", "none",
  ]
}

func contents(_ path: String) -> Data? { FileManager.default.contents(atPath: path) }
