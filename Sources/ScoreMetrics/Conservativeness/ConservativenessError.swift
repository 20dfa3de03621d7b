public import Files

/// Why conservativeness cannot be measured: one sentence.
public struct ConservativenessError: Failure, Equatable {
  /// Examples or noise levels that do not fit, or a score that is not differentiable.
  public var kind: FailureKind { .data }
  /// What is wrong, where, and what to do.
  public let description: String

  /// Makes an error from its sentence.
  public init(_ description: String) { self.description = description }
}

/// Throws a sentence unless a condition holds.
func require(_ condition: Bool, _ sentence: @autoclosure () -> String) throws(ConservativenessError) {
  if !condition { throw ConservativenessError(sentence()) }
}
