public import Files

extension LeastSquaresError: Failure {
  /// Operators, right-hand sides or settings that do not fit.
  public var kind: FailureKind { .usage }
}

extension LeastSquaresWarning: Failure {
  /// A solution that is not to be trusted.
  public var kind: FailureKind { .data }
}
