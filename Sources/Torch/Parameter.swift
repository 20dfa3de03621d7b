internal import Files

/// A tensor that training changes: the one reference type among tensors.
///
/// Modules that hold the same parameter share it.
public final class Parameter {
  private var variable: Tensor
  private var substitute: Tensor?

  /// The current value, an independent variable: gradients can be taken with respect to it.
  ///
  /// Setting it drops the recorded history of the new value.
  public var value: Tensor {
    get { substitute ?? variable }
    set {
      demand(substitute == nil, "a parameter cannot be set while it has a substitute")
      demand(
        newValue.shape == variable.shape,
        "a parameter of shape \(variable.shape) cannot take a value of shape \(newValue.shape)")
      variable = newValue.variable()
    }
  }

  /// Makes a parameter; the recorded history of the value is dropped.
  ///
  /// - Precondition: the elements are floating-point numbers.
  public init(_ value: Tensor) { variable = value.variable() }

  /// The lengths of the dimensions.
  public var shape: [Int] { variable.shape }

  /// Runs a closure in which parameters have other values, which keep their recorded operations.
  ///
  /// The results of the closure can therefore be differentiated with respect to these values.
  ///
  /// - Precondition: there is a value of the right shape for each parameter, and the closure sets none of the
  ///   parameters.
  public static func withValues<Result>(
    _ values: [Tensor], of parameters: [Parameter], _ body: () throws -> Result
  ) rethrows -> Result {
    demand(
      values.map(\.shape) == parameters.map(\.shape),
      "\(parameters.count) parameters of shapes \(parameters.map(\.shape)) cannot take values of shapes \(values.map(\.shape))"
    )
    let before = parameters.map(\.substitute)
    for (parameter, value) in zip(parameters, values) { parameter.substitute = value }
    defer { for (parameter, value) in zip(parameters, before) { parameter.substitute = value } }
    return try body()
  }
}
