public import ScoreModels
public import Torch

/// A constraint whose residual is a closure.
public struct FunctionConstraint: Constraint {
  private let function: ([Tensor]) throws -> Tensor

  /// Makes a constraint c(θ) = 0 on tensors in the form in which the optimizer gets them.
  ///
  /// - Parameter function: c, in recorded operations.
  public init(_ function: @escaping (_ parameters: [Tensor]) throws -> Tensor) { self.function = function }

  /// Makes a constraint on a model.
  ///
  /// - Parameters:
  ///   - model: the model; its parameters are those that the optimizer updates.
  ///   - function: c in recorded operations, computed from the model, whose parameters are θ while the closure runs.
  public init<Model: Module>(of model: Model, _ function: @escaping (Model) throws -> Tensor) {
    self.function = { try model.evaluate(at: $0) { try function(model) } }
  }

  /// c(θ), as the closure returns it.
  public func residual(at parameters: [Tensor]) throws -> Tensor { try function(parameters) }
}

extension Module {
  /// Runs a closure while the model has other parameters.
  ///
  /// - Throws: `ConstraintError` for the parameters of another model, and the errors of the closure.
  func evaluate<Result>(at values: [Tensor], _ body: () throws -> Result) throws -> Result {
    let shapes = parameters().map(\.shape)
    guard values.map(\.shape) == shapes || values.map(\.shape) == [[shapes.reduce(0) { $0 + $1.reduce(1, *) }]] else {
      throw ConstraintError(
        "the constraint is on a model with parameters of shapes \(shapes), and the optimizer's have the shapes "
          + "\(values.map(\.shape)); it must be on all that the optimizer updates")
    }
    return try withParameters(values, body)
  }
}
