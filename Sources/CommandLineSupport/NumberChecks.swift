public import ArgumentParser

extension ParsableArguments {
  /// Checks that a whole number lies in a range.
  ///
  /// - Parameters:
  ///   - option: the name of the option, without dashes.
  ///   - value: its value; `nil` passes.
  /// - Throws: `ValidationError`, with a sentence that tells the range.
  public func check(_ option: String, _ value: Int?, in range: ClosedRange<Int>) throws(ValidationError) {
    try check(option, value, "needs a whole number from \(range.lowerBound) to \(range.upperBound)", range.contains)
  }

  /// Checks that a whole number is at least as large as another one; `nil` passes.
  ///
  /// - Throws: `ValidationError`, with a sentence that tells the smallest value.
  public func check(_ option: String, _ value: Int?, atLeast smallest: Int) throws(ValidationError) {
    try check(option, value, "must be at least \(smallest)") { $0 >= smallest }
  }

  /// Checks the value of an option by a rule of its own; `nil` passes.
  ///
  /// - Parameter demand: what the option must be, as the middle of the sentence: `needs 0 or more`.
  /// - Throws: `ValidationError`, with a sentence such as `--eta needs 0 or more, not -1.0`.
  public func check<Value>(
    _ option: String, _ value: Value?, _ demand: String, _ isRight: (Value) -> Bool
  ) throws(ValidationError) {
    guard let value, !isRight(value) else { return }
    throw ValidationError("--\(option) \(demand), not \(value)")
  }
}
