public import LeastSquares
public import Torch

/// Equations c(θ) = 0 that the parameters of a model have to satisfy, as well as possible at each step of training.
///
/// A conforming type writes `residual(at:)`, in recorded operations; everything else has a default. `NullSpaceProjected` turns
/// it into a rule for updates.
///
/// The residual should be a vector with a Jacobian that does not vanish where it is 0. A squared norm ‖r(θ)‖² is not: its
/// gradient vanishes with it, and nothing is left to project on.
///
/// `parameters` are in the form that the optimizer is used with: one tensor for each of a model's parameters, or, from
/// `Trainer`, one vector of all of them. `Module.withParameters(_:_:)`, and with it `FunctionConstraint(of:_:)`, understands both.
public protocol Constraint {
  /// c(θ), of any shape: 0 where the constraint holds.
  func residual(at parameters: [Tensor]) throws -> Tensor

  /// c(θ) as a vector, and A = ∂c/∂θ on the elements of all parameters in one vector: by default from `residual(at:)`, recorded once.
  func linearization(at parameters: [Tensor]) throws -> ConstraintLinearization

  /// The update nearest to a given one that solves A·Δθ′ = −γ·c, for constraints that know it without solving; by default `nil`.
  ///
  /// - Parameters:
  ///   - update: Δθ.
  ///   - parameters: θ.
  ///   - preconditioner: returns the diagonal of M, which nearness is measured by, ‖Δθ′ − Δθ‖ in M⁻¹; `nil` for the identity.
  ///   - correctionRate: γ.
  func projection(
    of update: [Tensor], at parameters: [Tensor], preconditioner: () -> [Tensor]?, correctionRate: Double
  ) throws -> ConstraintProjection?

  /// Called before each projection: what changes with the steps, such as random probes, changes here.
  ///
  /// - Parameters:
  ///   - step: the number of the optimizer's step, from 1. What is drawn at random should depend on it and on a seed alone, so that
  ///     a run can be resumed.
  ///   - parameters: θ before the step.
  mutating func prepare(step: Int, at parameters: [Tensor]) throws

  /// γ at this step, for a constraint with a schedule of its own; `nil`, the default, leaves it to the optimizer.
  ///
  /// A constraint that has one is projected on at every step, whatever interval and warm-up the optimizer has.
  var correctionRate: Double? { get }

  /// A moving average of parameters with what this constraint makes hold exactly imposed on it; `nil`, the default, where that is
  /// nothing.
  mutating func imposed(on average: [Tensor]) throws -> [Tensor]?

  /// Numbers by name that tell how far it has come, for reports.
  var measurements: [String: Double] { get }

  /// What must be saved to go on exactly: tensors by name; by default nothing.
  var state: [String: Tensor] { get }

  /// Takes over saved state; the constraint is as it was if it throws.
  ///
  /// - Throws: `OptimizerStateError`.
  mutating func restore(_ state: [String: Tensor], for parameters: [Tensor]) throws
}

/// A constraint near a point: c + A·Δθ.
public struct ConstraintLinearization {
  /// c, a vector.
  public let residual: Tensor
  /// A.
  public let jacobian: any LinearOperator

  /// Collects both.
  ///
  /// - Precondition: the operator has as many rows as the residual has elements.
  public init(residual: Tensor, jacobian: any LinearOperator) {
    precondition(
      residual.shape == [jacobian.rows],
      "a residual of shape \(residual.shape) has no Jacobian of \(jacobian.rows) rows")
    self.residual = residual
    self.jacobian = jacobian
  }

  /// Records a residual once and takes its Jacobian by automatic differentiation.
  ///
  /// - Throws: what the residual throws.
  public init(at parameters: [Tensor], of residual: @escaping (_ parameters: [Tensor]) throws -> Tensor) throws {
    let jacobian = try JacobianOperator(at: parameters) { point, _ in try residual(point) }
    self.init(residual: jacobian.value.reshaped([jacobian.rows]), jacobian: jacobian)
  }
}

/// A projected update.
public struct ConstraintProjection {
  /// Δθ′, of the parameters' shapes.
  public let update: [Tensor]
  /// ‖c‖ before the update.
  public let constraintNorm: Double
  /// ‖A·Δθ′ + γ·c‖.
  public let residualNorm: Double

  /// Collects them.
  public init(update: [Tensor], constraintNorm: Double, residualNorm: Double) {
    self.update = update
    self.constraintNorm = constraintNorm
    self.residualNorm = residualNorm
  }
}

/// A constraint that cannot be used as it is.
public struct ConstraintError: Error, Equatable, CustomStringConvertible {
  /// One sentence.
  public let description: String

  /// Makes an error.
  public init(_ description: String) { self.description = description }
}

extension Constraint {
  /// The residual, recorded, and its Jacobian by automatic differentiation.
  public func linearization(at parameters: [Tensor]) throws -> ConstraintLinearization {
    try ConstraintLinearization(at: parameters, of: residual)
  }

  /// None is known.
  public func projection(
    of update: [Tensor], at parameters: [Tensor], preconditioner: () -> [Tensor]?, correctionRate: Double
  ) throws -> ConstraintProjection? { nil }

  /// Does nothing.
  public func prepare(step: Int, at parameters: [Tensor]) throws {}

  /// None of its own.
  public var correctionRate: Double? { nil }

  /// Nothing.
  public func imposed(on average: [Tensor]) throws -> [Tensor]? { nil }

  /// None.
  public var measurements: [String: Double] { [:] }

  /// Nothing.
  public var state: [String: Tensor] { [:] }

  /// Accepts no state.
  public func restore(_ state: [String: Tensor], for parameters: [Tensor]) throws {
    if let name = state.keys.min() {
      throw OptimizerStateError("the saved state has \(name), and the constraint keeps none")
    }
  }
}
