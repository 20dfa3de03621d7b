import Foundation
import Testing

/// A program that was started.
///
/// It is killed when nobody holds it any more.
public final class RunningProgram {
  private let process: Process
  private let name: String
  private let limit: Duration
  private let start = ContinuousClock.now
  private let sourceLocation: SourceLocation
  private let (output, errors): (WrittenText, WrittenText)
  private var ending: Program.Ending?

  init(
    _ process: Process, _ name: String, input: String?, limit: Duration, _ sourceLocation: SourceLocation
  ) throws {
    let (output, errors) = (try WrittenText(), try WrittenText())
    process.standardOutput = output.writing
    process.standardError = errors.writing
    process.standardInput = FileHandle.nullDevice
    if let input {
      // A pipe holds as much before anybody reads it.
      precondition(input.utf8.count <= 16_384)
      let pipe = Pipe()
      try pipe.fileHandleForWriting.write(contentsOf: Data(input.utf8))
      try pipe.fileHandleForWriting.close()
      process.standardInput = pipe
    }
    try process.run()
    for text in [output, errors] { try text.writing.close() }
    // Last: what has not started is not killed.
    (self.process, self.name, self.limit, self.sourceLocation) = (process, name, limit, sourceLocation)
    (self.output, self.errors) = (output, errors)
  }

  deinit {
    guard findEnding() == nil else { return }
    killAll()
    while findEnding() == nil { usleep(1000) }
  }

  /// The number of the process.
  public var processIdentifier: Int32 { process.processIdentifier }

  /// What the program has written to standard output so far.
  public var outputText: String { output.text }

  /// What the program has written to standard error so far.
  public var errorText: String { errors.text }

  /// Whether the program has not ended.
  ///
  /// Past the time limit it is killed, and the test fails.
  public var isRunning: Bool {
    if findEnding() != nil { return false }
    if ContinuousClock.now - start < limit { return true }
    killAll()
    while findEnding() == nil { usleep(1000) }
    Issue.record(
      "\(name) was killed, since it did not end in \(limit); it wrote: \(outputText)\(errorText)",
      sourceLocation: sourceLocation)
    return false
  }

  /// Sends a signal, which the program does not get if it is blocked in the thread that started it.
  public func send(_ signal: Int32) {
    if findEnding() == nil { kill(processIdentifier, signal) }
  }

  /// Waits until the program has ended.
  @discardableResult
  public func wait() -> Program.Result {
    while isRunning { usleep(1000) }
    return Program.Result(ending: ending ?? .exit(0), output: outputText, errors: errorText)
  }

  /// How the program has ended, if it has.
  ///
  /// The system is asked, since Foundation takes a program for running as long as its children run.
  private func findEnding() -> Program.Ending? {
    if let ending { return ending }
    var information = siginfo_t()
    if waitid(P_PID, id_t(processIdentifier), &information, WEXITED | WNOHANG) == 0 {
      if information.si_signo == 0 { return nil }
      #if os(Linux)
        let status = information._sifields._sigchld.si_status
      #else
        let status = information.si_status
      #endif
      ending = information.si_code == CLD_EXITED ? .exit(status) : .signal(status)
    } else {
      // Foundation was faster.
      process.waitUntilExit()
      let status = process.terminationStatus
      ending = process.terminationReason == .exit ? .exit(status) : .signal(status)
    }
    return ending
  }

  /// Kills the program, with the processes that it has started if they are a group.
  private func killAll() {
    let number = processIdentifier
    kill(getpgid(number) == number ? -number : number, SIGKILL)
  }
}

/// A file without a name that a program writes to.
///
/// Unlike a pipe, it never makes the program or its reader wait.
private struct WrittenText {
  let (reading, writing): (FileHandle, FileHandle)

  init() throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "scorekit-\(UUID().uuidString)")
    try Data().write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }
    (reading, writing) = (try FileHandle(forReadingFrom: url), try FileHandle(forWritingTo: url))
  }

  var text: String {
    do {
      try reading.seek(toOffset: 0)
      return String(decoding: try reading.readToEnd() ?? Data(), as: UTF8.self)
    } catch {
      return "\(error)"
    }
  }
}
