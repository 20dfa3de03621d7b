public import Torch

/// A constraint from a closure.
public struct FunctionConstraint: Constraint {
  private let function: ([Tensor]) throws -> Tensor

  /// Makes a constraint c(θ) = 0.
  ///
  /// - Parameter function: c, in recorded operations.
  public init(_ function: @escaping (_ parameters: [Tensor]) throws -> Tensor) { self.function = function }

  /// c(θ).
  public func residual(at parameters: [Tensor]) throws -> Tensor { try function(parameters) }
}
