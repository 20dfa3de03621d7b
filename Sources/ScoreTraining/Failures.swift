public import Files

extension ConstraintError: Failure {
  /// A constraint that cannot be imposed on the model.
  public var kind: FailureKind { .usage }
}

extension OptimizerStateError: Failure {
  /// A state of another optimizer or model.
  public var kind: FailureKind { .data }
}

extension TrainingDataError: Failure {}

extension TrainingDiverged: Failure {
  /// A loss or gradient that is no longer finite.
  public var kind: FailureKind { .data }
}
