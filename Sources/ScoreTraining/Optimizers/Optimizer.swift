public import Torch

/// A rule that turns gradients into updates.
///
/// An optimizer returns the updates Δθ and does not change the parameters. The trainer adds the updates, so that a wrapper, such as a
/// projection onto constraints, can change them last.
public protocol Optimizer {
  /// The factor of the updates; a schedule sets it before each step.
  var learningRate: Double { get set }
  /// The updates Δθ, of the parameters' shapes.
  ///
  /// - Throws: the errors of an optimizer that solves a problem of its own; the optimizer is then as it was.
  mutating func updates(for gradients: [Tensor], at parameters: [Tensor]) throws -> [Tensor]
  /// The diagonal of the positive matrix M such that the last update was proportional to M·momentum; `nil`, the default, means the
  /// identity.
  ///
  /// M is the metric in which the update goes straight downhill. It is one new tensor for each parameter, of the parameter's shape.
  var preconditioner: [Tensor]? { get }
  /// The moving average of the parameters as it should be used; `nil`, the default, leaves it as it is.
  ///
  /// The trainer asks after each step. An optimizer that keeps parameters within some set can bring their average back into that set.
  ///
  /// - Parameter average: the average, in the form of the parameters.
  /// - Returns: an average of the same shapes and element types.
  mutating func adjustedAverage(_ average: [Tensor]) throws -> [Tensor]?
  /// The tensors, by name, that must be saved to continue exactly.
  var state: [String: Tensor] { get }
  /// Takes over saved state; the optimizer is as it was if it throws.
  ///
  /// - Parameter parameters: the parameters that the optimizer will update.
  /// - Throws: `OptimizerStateError` if a name is missing or a tensor does not belong to the parameters.
  mutating func restore(_ state: [String: Tensor], for parameters: [Tensor]) throws
}

extension Optimizer {
  /// The identity.
  public var preconditioner: [Tensor]? { nil }
  /// `nil`: the average stays as it is.
  public func adjustedAverage(_ average: [Tensor]) throws -> [Tensor]? { nil }
}

/// Parameters in one vector, as `Trainer` has them.
extension Optimizer {
  /// The update of a vector.
  mutating func update(for gradient: Tensor, at parameters: Tensor) throws -> Tensor {
    try updates(for: [gradient], at: [parameters])[0]
  }

  /// The moving average of a vector as it should be used; `nil` leaves it as it is.
  mutating func adjustedAverage(_ average: Tensor) throws -> Tensor? { try adjustedAverage([average])?.asVector }

  /// Takes over saved state for a vector.
  mutating func restore(_ state: [String: Tensor], for parameters: Tensor) throws {
    try restore(state, for: [parameters])
  }
}

/// Saved state that does not belong to an optimizer.
public struct OptimizerStateError: Error, Equatable, CustomStringConvertible {
  /// One sentence.
  public let description: String

  /// Makes an error.
  public init(_ description: String) { self.description = description }
}

func numbered(_ name: String, _ tensors: [Tensor]) -> [String: Tensor] {
  Dictionary(uniqueKeysWithValues: tensors.enumerated().map { ("\(name).\($0)", $1) })
}

func unnumbered(_ name: String, _ state: [String: Tensor]) -> [Tensor] {
  var tensors: [Tensor] = []
  while let tensor = state["\(name).\(tensors.count)"] { tensors.append(tensor) }
  return tensors
}

/// Checks that there is a saved tensor for each parameter.
func checkAlike(_ saved: [Tensor], _ parameters: [Tensor], _ name: String) throws(OptimizerStateError) {
  func kinds(_ tensors: [Tensor]) -> String { tensors.map { "\($0.dtype)\($0.shape)" }.joined(separator: ", ") }
  guard kinds(saved) == kinds(parameters) else {
    throw OptimizerStateError("the optimizer's \(name) is \(kinds(saved)), and the weights are \(kinds(parameters))")
  }
}

/// A saved counter: a whole number of at least 0 that a Double holds exactly.
func counter(_ tensor: Tensor?) -> Int? {
  guard let tensor, tensor.elementCount == 1, tensor.dtype == .int64 else { return nil }
  let value = tensor.item()
  return value >= 0 && value < 0x1p53 ? Int(value) : nil
}
