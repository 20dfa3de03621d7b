/// A tensor that training changes: the one reference type among tensors.
///
/// Modules that hold the same parameter share it.
public final class Parameter {
  private var variable: Tensor
  private var substitute: Tensor?

  /// The current value, an independent variable: gradients can be taken for it.
  ///
  /// Setting it cuts the new value off from how it was computed.
  public var value: Tensor {
    get { substitute ?? variable }
    set {
      precondition(substitute == nil, "a parameter cannot be set while it has a substitute")
      precondition(
        newValue.shape == variable.shape,
        "a parameter of shape \(variable.shape) cannot take a value of shape \(newValue.shape)")
      variable = newValue.variable()
    }
  }

  /// Makes a parameter.
  ///
  /// - Precondition: the elements are floating-point numbers.
  public init(_ value: Tensor) { variable = value.variable() }

  /// The lengths of the dimensions.
  public var shape: [Int] { variable.shape }

  /// Runs a closure in which parameters have other values, as they are: with the operations recorded that they came from.
  ///
  /// So what is computed from parameters becomes a function of tensors that can be differentiated with respect to these.
  ///
  /// - Precondition: there is a value of the right shape for each parameter. The closure sets none of them.
  public static func withValues<Result>(
    _ values: [Tensor], of parameters: [Parameter], _ body: () throws -> Result
  ) rethrows -> Result {
    precondition(
      values.map(\.shape) == parameters.map(\.shape),
      "\(parameters.count) parameters of shapes \(parameters.map(\.shape)) cannot take values of shapes \(values.map(\.shape))"
    )
    let before = parameters.map(\.substitute)
    for (parameter, value) in zip(parameters, values) { parameter.substitute = value }
    defer { for (parameter, value) in zip(parameters, before) { parameter.substitute = value } }
    return try body()
  }
}
