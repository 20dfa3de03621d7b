internal import LeastSquares
internal import Torch

/// A constraint near a point, and projections onto it by least-squares solves.
struct Projector {
  /// A solve and what came of it.
  struct Outcome {
    /// v − M^½·LstSq(A·M^½, A·v + γ·c).
    let vector: Tensor
    let solution: LeastSquaresSolution
    /// λ with LstSq(…) = M^½·Aᵀ·λ, where the solver knows it.
    let multipliers: Tensor?
  }

  private let linearization: ConstraintLinearization
  /// ‖c‖.
  let violation: Double

  init(_ constraint: any Constraint, at parameters: [Tensor]) throws {
    linearization = try constraint.linearization(at: parameters)
    violation = linearization.residual.norm()
  }

  /// Projects a vector of the parameters' length.
  ///
  /// - Parameters:
  ///   - root: M^½; `nil` for the identity.
  ///   - start: multipliers that those of this problem may resemble.
  func project(
    _ vector: Tensor, root: Tensor?, rate: Double, solver: any LeastSquaresSolver, damping: Double,
    start multipliers: Tensor? = nil
  ) throws -> Outcome {
    let a = linearization.jacobian
    guard a.columns == vector.elementCount else {
      throw ConstraintError(
        "the constraint's Jacobian has \(a.columns) columns, and the parameters have \(vector.elementCount) elements")
    }
    let target = try a.apply(vector) + linearization.residual * rate
    let system: any LinearOperator = root.map { ComposedOperator(a, DiagonalOperator($0)) } ?? a
    let start = try startingPoint(system, target, multipliers)
    let solution = try solver.solve(system, target, damping: damping, from: start?.x)
    return Outcome(
      vector: vector - (root.map { $0 * solution.x } ?? solution.x), solution: solution,
      multipliers: solution.multipliers.map { found in start.map { $0.multipliers + found } ?? found })
  }

  /// s·Aᵀ·λ, with the s that brings A·Aᵀ·λ nearest to the right-hand side: in the range of Aᵀ, so that the solution from it is the
  /// one of least norm, and no worse than 0.
  private func startingPoint(
    _ a: any LinearOperator, _ b: Tensor, _ multipliers: Tensor?
  ) throws -> (x: Tensor, multipliers: Tensor)? {
    guard let multipliers, multipliers.shape == b.shape, multipliers.dtype == b.dtype else { return nil }
    let x = try a.applyAdjoint(multipliers)
    let image = try a.apply(x)
    let scale = image.dot(b).item() / image.dot(image).item()
    guard scale.isFinite, scale != 0 else { return nil }
    return (x * scale, multipliers * scale)
  }
}
