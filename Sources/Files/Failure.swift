/// What went wrong, which decides what a program does about it; the command-line tools have an exit status for each kind.
public enum FailureKind: Hashable, Sendable, CaseIterable {
  /// Options or arguments that do not fit each other, the data or the machine.
  case usage
  /// Data or files with wrong content, or a computation that left the finite numbers.
  case data
  /// A file or folder that does not exist.
  case missing
  /// Too little memory, or a mistake in the program.
  case `internal`
  /// The system could not read or write.
  case inputOutput
}

/// An error with its kind and one sentence: what went wrong, where, and what to do.
///
/// Every error of the package's libraries conforms.
public protocol Failure: Error, CustomStringConvertible {
  /// What went wrong.
  var kind: FailureKind { get }
  /// The sentence, in which options can be told from words.
  var sentence: Sentence { get }
}

extension Failure {
  /// The description, which names no options.
  public var sentence: Sentence { "\(description)" }
}
