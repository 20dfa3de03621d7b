internal import Foundation
internal import Synchronization

/// Ends the process with a sentence unless a condition holds.
///
/// For mistakes of a program. What a user's data can cause is thrown instead. Swift's `precondition` prints its message in debug
/// builds only, and ends the process by a signal; this prints its sentence in every build and exits with status 70. A debugger
/// stops at a mistake with a breakpoint on `endProgram`.
@inlinable
@inline(__always)
package func demand(_ condition: Bool, _ sentence: @autoclosure () -> String) {
  if !condition { endProgram(sentence()) }
}

/// Ends the process with a sentence on standard error and status 70, after telling the handler.
@usableFromInline
@inline(never)
package func endProgram(_ sentence: String) -> Never { ProgramEnding.end(Mistake(description: sentence)) }

/// A mistake in a program, in one sentence.
package struct Mistake: Failure {
  /// What is wrong, where, and what to do.
  package let description: String
  /// A mistake in the program.
  package var kind: FailureKind { .internal }
}

/// How mistakes end the process.
package enum ProgramEnding {
  /// Called before a mistake ends the process; it may end the process in its own way.
  package static func setHandler(_ handler: @escaping @Sendable (any Failure) -> Void) {
    self.handler.withLock { $0 = handler }
  }

  private static let handler = Mutex<(@Sendable (any Failure) -> Void)?>(nil)

  /// Ends the process with the sentence of a failure on standard error and status 70.
  ///
  /// Nothing else of the program runs: other threads may be in the middle of their work.
  @inline(never)
  package static func end(_ failure: any Failure) -> Never {
    handler.withLock { $0 }?(failure)
    fflush(nil)
    let text = Array("error: \(failure.description)\n".utf8)
    _ = text.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    _exit(70)
  }
}
