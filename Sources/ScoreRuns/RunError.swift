public import Files

/// Why a run cannot start or go on, or samples cannot be drawn from it.
public struct RunError: Failure, Equatable {
  /// The kind of mistake: `usage` for options that do not fit, `data` for wrong content, `missing` for absent files.
  public let kind: FailureKind
  /// One sentence: what, where, and what to do.
  public let sentence: Sentence

  /// Makes an error.
  public init(_ kind: FailureKind, _ sentence: Sentence) {
    self.kind = kind
    self.sentence = sentence
  }

  /// The sentence, with options named as in `config.json`.
  public var description: String { sentence.description }
}
