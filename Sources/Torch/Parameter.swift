/// A tensor that training changes: the one reference type among tensors.
///
/// Modules that hold the same parameter share it.
public final class Parameter {
  private var variable: Tensor

  /// The current value, an independent variable: gradients can be taken for it.
  ///
  /// Setting it cuts the new value off from how it was computed.
  public var value: Tensor {
    get { variable }
    set {
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
}
