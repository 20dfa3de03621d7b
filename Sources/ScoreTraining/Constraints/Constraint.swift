internal import Files
public import LeastSquares
public import Torch

/// Equations c(θ) = 0 between the parameters of a model, which each step of training satisfies as well as possible.
///
/// A conforming type implements `residual(at:)` in recorded operations; all other members have defaults. `NullSpaceProjected` turns a
/// constraint into a rule for updates.
///
/// The Jacobian of the residual should not vanish where the residual is 0. A squared norm ‖r(θ)‖² is therefore no suitable residual:
/// its gradient vanishes where the equations hold, and there is nothing to project on.
///
/// `parameters` have the form in which the optimizer gets them: one tensor for each parameter of a model or, from `Trainer`, one vector
/// of all parameters. `Module.withParameters(_:_:)` and `FunctionConstraint(of:_:)` accept both.
public protocol Constraint {
  /// c(θ), a tensor of any shape that is 0 where the constraint holds.
  func residual(at parameters: [Tensor]) throws -> Tensor

  /// c(θ) as a vector, and the operator A = ∂c/∂θ on the elements of all parameters in one vector.
  ///
  /// By default both come from `residual(at:)`, which is recorded once.
  func linearization(at parameters: [Tensor]) throws -> ConstraintLinearization

  /// The solution of A·Δθ′ = −γ·c nearest to a given update, in closed form; `nil`, the default, if there is no closed form.
  ///
  /// - Parameters:
  ///   - update: Δθ.
  ///   - parameters: θ.
  ///   - preconditioner: returns the diagonal of M, where (Δθ′ − Δθ)ᵀ·M⁻¹·(Δθ′ − Δθ) is minimised; `nil` for the identity.
  ///   - correctionRate: γ, the fraction of the violation to take away.
  func projection(
    of update: [Tensor], at parameters: [Tensor], preconditioner: () -> [Tensor]?, correctionRate: Double
  ) throws -> ConstraintProjection?

  /// Prepares the projection of a step, for example by drawing random probes. The optimizer calls it before each projection.
  ///
  /// - Parameters:
  ///   - step: the number of the optimizer's step, from 1. Random draws should depend on the step and a seed alone, so that a run
  ///     can be resumed.
  ///   - parameters: θ before the step.
  mutating func prepare(step: Int, at parameters: [Tensor]) throws

  /// γ at this step, for a constraint with a schedule of its own; `nil`, the default, leaves γ to the optimizer.
  ///
  /// If it is not `nil`, every step is projected, whatever the interval and the warm-up of the optimizer.
  var correctionRate: Double? { get }

  /// The average, adjusted to satisfy the constraint exactly; `nil`, the default, if it was not changed.
  ///
  /// - Parameter average: a moving average of the parameters, in their form.
  mutating func imposed(on average: [Tensor]) throws -> [Tensor]?

  /// Numbers by name that describe the state of the constraint, for reports; by default none.
  var measurements: [String: Double] { get }

  /// The tensors, by name, that must be saved to continue exactly; by default none.
  var state: [String: Tensor] { get }

  /// Takes over saved state; the constraint is as it was if it throws.
  ///
  /// - Throws: `OptimizerStateError` for the state of another constraint.
  mutating func restore(_ state: [String: Tensor], for parameters: [Tensor]) throws
}

/// A constraint near a point θ: c(θ + Δθ) ≈ c + A·Δθ.
public struct ConstraintLinearization {
  /// c, a vector `[A.rows]`.
  public let residual: Tensor
  /// A = ∂c/∂θ.
  public let jacobian: any LinearOperator

  /// Makes a linearisation of c and A.
  ///
  /// - Precondition: the operator has as many rows as the residual has elements.
  public init(residual: Tensor, jacobian: any LinearOperator) {
    demand(
      residual.shape == [jacobian.rows],
      "a residual of shape \(residual.shape) has no Jacobian of \(jacobian.rows) rows")
    self.residual = residual
    self.jacobian = jacobian
  }

  /// Records a residual once, and takes its Jacobian by automatic differentiation.
  ///
  /// - Throws: the errors of the residual.
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

  /// Makes a projection of its parts.
  public init(update: [Tensor], constraintNorm: Double, residualNorm: Double) {
    self.update = update
    self.constraintNorm = constraintNorm
    self.residualNorm = residualNorm
  }
}

/// A constraint that does not fit the parameters, or that has no finite value.
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

  /// `nil`: there is no closed form.
  public func projection(
    of update: [Tensor], at parameters: [Tensor], preconditioner: () -> [Tensor]?, correctionRate: Double
  ) throws -> ConstraintProjection? { nil }

  /// Does nothing.
  public func prepare(step: Int, at parameters: [Tensor]) throws {}

  /// `nil`: the optimizer has the rate.
  public var correctionRate: Double? { nil }

  /// `nil`: the average stays as it is.
  public func imposed(on average: [Tensor]) throws -> [Tensor]? { nil }

  /// No measurements.
  public var measurements: [String: Double] { [:] }

  /// No state.
  public var state: [String: Tensor] { [:] }

  /// Throws if there is any state.
  public func restore(_ state: [String: Tensor], for parameters: [Tensor]) throws {
    if let name = state.keys.min() {
      throw OptimizerStateError("the saved state has \(name), and the constraint keeps none")
    }
  }
}
