/// Why a least-squares problem could not be posed or differentiated: one sentence.
public struct LeastSquaresError: Error, CustomStringConvertible, Equatable {
  /// What is wrong, where, and what to do.
  public let description: String

  init(_ description: String) { self.description = description }
}
