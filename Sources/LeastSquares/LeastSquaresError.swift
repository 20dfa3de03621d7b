/// A least-squares problem that cannot be solved or differentiated.
public struct LeastSquaresError: Error, CustomStringConvertible, Equatable {
  /// One sentence: what is wrong, where, and what to do about it.
  public let description: String

  init(_ description: String) { self.description = description }
}
