public import ScoreModels
public import Torch

/// Two evaluations of a model are equal: c(θ) = f_θ(T·x) − S·f_θ(x) at given points.
///
/// This is equivariance under a transformation. With S = 1 it is invariance, and with a shift as T it is periodicity.
///
/// - Cost: for each projection two evaluations of the model at all points, and for each product one or two backward passes.
public struct OutputEquality: Constraint {
  private let model: any Module
  private let outputs: () throws -> (Tensor, Tensor)

  /// Makes a constraint from a closure that evaluates the model twice.
  ///
  /// - Parameters:
  ///   - model: the model; its parameters are those that the optimizer updates, in the same order.
  ///   - outputs: returns two tensors of one shape that should be equal, in recorded operations.
  public init<Model: Module>(of model: Model, _ outputs: @escaping (Model) throws -> (Tensor, Tensor)) {
    self.model = model
    self.outputs = { try outputs(model) }
  }

  /// f(T·x) = S·f(x): transforming the input transforms the output.
  ///
  /// - Parameters:
  ///   - points: x `[points, …]`.
  ///   - inputTransform: T, from points to points.
  ///   - outputTransform: S, from a batch of outputs to a batch of outputs.
  ///   - function: f, from a batch of inputs to a batch of outputs.
  public static func equivariance<Model: Module>(
    of model: Model, at points: Tensor, inputTransform: (Tensor) -> Tensor,
    outputTransform: @escaping (Tensor) -> Tensor, evaluating function: @escaping (Model, Tensor) throws -> Tensor
  ) -> OutputEquality {
    let images = inputTransform(points)
    return OutputEquality(of: model) { (try function($0, images), outputTransform(try function($0, points))) }
  }

  /// f(T·x) = f(x): transforming the input changes nothing.
  public static func invariance<Model: Module>(
    of model: Model, at points: Tensor, inputTransform: (Tensor) -> Tensor,
    evaluating function: @escaping (Model, Tensor) throws -> Tensor
  ) -> OutputEquality {
    equivariance(
      of: model, at: points, inputTransform: inputTransform, outputTransform: { $0 }, evaluating: function)
  }

  /// f(x + p) = f(x) in every feature.
  public static func periodicity<Model: Module>(
    of model: Model, at points: Tensor, period: Double,
    evaluating function: @escaping (Model, Tensor) throws -> Tensor
  ) -> OutputEquality {
    invariance(of: model, at: points, inputTransform: { $0 + period }, evaluating: function)
  }

  /// The difference of the outputs, in their shape.
  ///
  /// - Throws: `ConstraintError` for outputs of different shapes, and for parameters of another model.
  public func residual(at parameters: [Tensor]) throws -> Tensor {
    let (first, second) = try model.evaluate(at: parameters, outputs)
    guard first.shape == second.shape else {
      throw ConstraintError(
        "outputs of shapes \(first.shape) and \(second.shape) cannot be equal; transform them to one shape")
    }
    return first - second
  }
}
