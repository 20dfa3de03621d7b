public import ArgumentParser
import Foundation
import ScoreKit

/// The exit status of the tools for each kind of failure; the failure itself is one sentence on standard error.
public enum ExitStatus: Int32 {
  /// Wrong usage.
  case usage = 64
  /// Wrong input data.
  case data = 65
  /// Missing input.
  case noInput = 66
  /// A failure that the user did not cause.
  case software = 70
  /// The system could not read or write.
  case inputOutput = 74
  /// Ended by the user.
  case interrupted = 130

  /// The status for an error.
  public init(for error: any Error) {
    guard let failure = error as? any Failure else {
      self = error is Interrupted ? .interrupted : .software
      return
    }
    self =
      switch failure.kind {
      case .usage: .usage
      case .data: .data
      case .missing: .noInput
      case .internal: .software
      case .inputOutput: .inputOutput
      }
  }
}

/// The run was ended by a signal, after everything was saved.
public struct Interrupted: Error, CustomStringConvertible {
  /// What was saved and how to go on.
  public let description: String

  /// Makes the error from its sentence.
  public init(_ description: String) { self.description = description }
}

extension Error {
  /// The error in one sentence, in which options have two dashes before them.
  public var toolSentence: String { (self as? any Failure)?.sentence.text { "--\($0)" } ?? "\(self)" }
}

extension ParsableCommand {
  /// Runs the command of a tool: parses the arguments, and reports any failure as `error: …` with its exit status.
  public static func runTool() -> Never {
    StandardStreams.reopenClosed()
    Engine.prepareEnvironment()
    // A closed pipe is an error to report, not a reason to vanish.
    signal(SIGPIPE, SIG_IGN)
    // So is a limit on the size of files.
    signal(SIGXFSZ, SIG_IGN)
    InterruptSignal.install()
    Engine.onFailure { error in
      report(error.isOutOfMemory ? outOfMemory(error) : "\(error); this is a mistake in the program, please report it")
      StandardStreams.exit(ExitStatus.software.rawValue)
    }
    do {
      do {
        var command = try parseAsRoot()
        try command.run()
      } catch let request where exitCode(for: request) == .success {
        print(fullMessage(for: request))  // --help and the like
      }
      try StandardStreams.flushOutput()
      StandardStreams.exit(EXIT_SUCCESS)
    } catch {
      if exitCode(for: error) == .validationFailure {
        report("\(UsageMessage.sentence(message(for: error))); see \(_commandName) --help")
        StandardStreams.exit(ExitStatus.usage.rawValue)
      }
      if let interrupted = error as? Interrupted {
        StandardStreams.writeError("\(interrupted.description)\n")
      } else {
        report(error.toolSentence)
      }
      StandardStreams.exit(ExitStatus(for: error).rawValue)
    }
  }

  /// The sentence for insufficient memory, with advice that fits the tool's options.
  private static func outOfMemory(_ error: EngineError) -> String {
    let batch = helpMessage().contains("--batch-size") ? "a smaller --batch-size or " : ""
    return "there is not enough memory for \(error.operation); use \(batch)a smaller model"
  }

  private static func report(_ sentence: String) { StandardStreams.writeError("error: \(sentence)\n") }
}
