public import Files

extension EngineError: Failure {
  /// Too little memory, or a mistake in the program.
  public var kind: FailureKind { .internal }
}

extension Engine.ThreadsUnavailable: Failure {
  /// A limit of the system.
  public var kind: FailureKind { .internal }
}

extension Safetensors.FormatError: Failure {
  /// Bytes that are no safetensors file.
  public var kind: FailureKind { .data }
}

extension CustomFunctionError: Failure {
  /// A backward function that returned the wrong gradients.
  public var kind: FailureKind { .internal }
}
