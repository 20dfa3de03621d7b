/// Why a run cannot start or go on, or samples cannot be drawn from it.
public struct RunError: Error, Equatable, CustomStringConvertible {
  /// What kind of mistake it is.
  public enum Kind: Sendable {
    /// Options that do not fit.
    case usage
    /// A file with wrong content.
    case data
    /// Something that is not there.
    case missing
  }

  /// What kind of mistake it is.
  public let kind: Kind
  /// One sentence: what, where, and what to do.
  public let description: String

  /// Makes an error.
  public init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }
}
