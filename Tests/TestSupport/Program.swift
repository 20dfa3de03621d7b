import Foundation
public import Testing

/// A program that a test starts as a user does, with a time limit.
public struct Program: Sendable {
  /// Where the program is.
  public let path: String

  /// The program at a path.
  public init(path: String) { self.path = path }

  /// A product of this package; products lie beside the test bundle.
  public static func built(_ name: String) -> Program {
    let bundle = URL(fileURLWithPath: CommandLine.arguments[0])
    return Program(path: bundle.deletingLastPathComponent().appendingPathComponent(name).path)
  }

  /// The last part of the path.
  public var name: String { URL(fileURLWithPath: path).lastPathComponent }

  /// How a program has ended.
  public enum Ending: Equatable, Sendable {
    /// With an exit status.
    case exit(Int32)
    /// By a signal that it did not handle.
    case signal(Int32)
  }

  /// What a program has left.
  public struct Result: Sendable {
    /// How it ended.
    public let ending: Ending
    /// Its standard output.
    public let output: String
    /// Its standard error.
    public let errors: String

    /// The exit status; `nil` if a signal ended the program.
    public var status: Int32? { if case .exit(let status) = ending { status } else { nil } }

    /// What the program said of a failure: the lines that begin with `error:`.
    public var errorLines: [Substring] { errors.split(separator: "\n").filter { $0.hasPrefix("error: ") } }
  }

  /// Starts the program.
  ///
  /// - Parameters:
  ///   - folder: the folder it works in; by default that of the tests.
  ///   - shell: commands of `/bin/sh` that come before the program, such as `ulimit -f 4`, in the same process.
  ///   - environment: variables besides those of the tests, or in place of them.
  ///   - input: a short text that is its standard input, through a pipe; by default that is empty.
  ///   - limit: the time after which it is killed and the test fails.
  public func start(
    _ arguments: [String] = [], in folder: String? = nil, shell: String? = nil, environment: [String: String] = [:],
    input: String? = nil, limit: Duration = .seconds(300), sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> RunningProgram {
    let process = Process()
    if let shell {
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      process.arguments = ["-c", "\(shell); exec \"$0\" \"$@\"", path] + arguments
    } else {
      process.executableURL = URL(fileURLWithPath: path)
      process.arguments = arguments
    }
    if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    return try RunningProgram(process, name, input: input, limit: limit, sourceLocation)
  }

  /// Runs the program to its end; the parameters are those of `start`.
  public func run(
    _ arguments: [String] = [], in folder: String? = nil, shell: String? = nil, environment: [String: String] = [:],
    input: String? = nil, limit: Duration = .seconds(300), sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Result {
    let program = try start(
      arguments, in: folder, shell: shell, environment: environment, input: input, limit: limit,
      sourceLocation: sourceLocation)
    return program.wait()
  }

  /// Expects the program to fail with a status and one sentence that holds all of the given words.
  @discardableResult
  public func expectFailure(
    _ arguments: [String], status: Int32, mentioning words: [String], in folder: String? = nil, shell: String? = nil,
    environment: [String: String] = [:], sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Result {
    let result = try run(
      arguments, in: folder, shell: shell, environment: environment, sourceLocation: sourceLocation)
    #expect(result.ending == .exit(status), "\(result.errors)", sourceLocation: sourceLocation)
    #expect(result.errorLines.count == 1, "\(result.errors)", sourceLocation: sourceLocation)
    let line = result.errorLines.first ?? ""
    for word in words {
      #expect(line.contains(word), "\(result.errors) does not mention \(word)", sourceLocation: sourceLocation)
    }
    return result
  }
}
