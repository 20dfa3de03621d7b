public import Files

extension StateMismatch: Failure {
  /// Weights that are not finite or belong to another model.
  public var kind: FailureKind { .data }
}

extension UNet2D.ConfigurationError: Failure {
  /// A configuration that describes no network.
  public var kind: FailureKind { .data }
}
