public import Torch

/// A rule that turns gradients into updates.
///
/// It returns the updates Δθ and leaves the parameters alone: the trainer adds them, so that a wrapper, such as a
/// projection onto constraints, can have the last word.
public protocol Optimizer {
  /// The factor of the updates; a schedule sets it before each step.
  var learningRate: Double { get set }
  /// The updates Δθ, of the parameters' shapes.
  ///
  /// - Throws: an optimizer that solves a problem of its own may fail; it is then as it was.
  mutating func updates(for gradients: [Tensor], at parameters: [Tensor]) throws -> [Tensor]
  /// The diagonal of the positive matrix M that the last updates were, up to a factor, the momentum multiplied by: the metric in
  /// which they go straight downhill. `nil`, the default, stands for the identity.
  ///
  /// A new tensor of each parameter's shape.
  var preconditioner: [Tensor]? { get }
  /// What the last updates did about constraints; `nil`, the default, if they were not projected.
  var projectionReport: ProjectionReport? { get }
  /// An average of parameters with what constraints hold exactly imposed on it, too; `nil`, the default, if there is nothing
  /// to do.
  mutating func imposed(on average: [Tensor]) throws -> [Tensor]?
  /// What must be saved to go on exactly: tensors by name.
  var state: [String: Tensor] { get }
  /// Takes over saved state; the optimizer is as it was if it throws.
  ///
  /// - Parameter parameters: what the optimizer will update.
  /// - Throws: `OptimizerStateError` where a name is missing or a tensor does not belong to the parameters.
  mutating func restore(_ state: [String: Tensor], for parameters: [Tensor]) throws
}

extension Optimizer {
  /// The identity.
  public var preconditioner: [Tensor]? { nil }
  /// No projection.
  public var projectionReport: ProjectionReport? { nil }
  /// Nothing is imposed.
  public func imposed(on average: [Tensor]) throws -> [Tensor]? { nil }
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
