internal import LeastSquares
public import ScoreTraining
public import Testing
public import Torch

/// Expects a constraint to keep the laws of constraints at a point.
///
/// - The residual is the same for a list of parameters and for all of them in one vector, as `Trainer` has them.
/// - The linearisation has this residual, and its Jacobian is the derivative: products match finite differences, and the adjoint product
///   belongs to them.
/// - A projection in closed form, if there is one, is that of a direct solver.
/// - State that is saved and restored gives the same residual.
///
/// - Parameters:
///   - constraint: the constraint; it is prepared for step 1.
///   - point: values of the parameters, in `float64`, one tensor for each. The constraint should not hold there, or little is tested.
///   - sourceLocation: where failures are reported; by default at the call.
/// - Throws: the constraint's errors.
/// - Complexity: about 30 residuals, some products, and a dense decomposition of the Jacobian: take few parameters.
public func expectConstraintLaws(
  of constraint: any Constraint, at point: [Tensor], sourceLocation: SourceLocation = #_sourceLocation
) throws {
  func law(_ sentence: String) -> Law { Law(sentence, of: constraint, at: sourceLocation) }
  let point = point.map { $0.detached() }
  var prepared = constraint
  try prepared.prepare(step: 1, at: point)
  let vector = Tensor.flatten(point)
  func residual(at parameters: [Tensor]) throws -> Tensor {
    try prepared.residual(at: parameters).detached().flattened()
  }
  let value = try residual(at: point)
  law("a list of parameters and one vector have the same residual").expectClose(
    try residual(at: [vector]), value, rtol: 1e-12, atol: 1e-12)
  var restored = constraint
  try restored.prepare(step: 1, at: point)
  try restored.restore(prepared.state, for: point)
  law("restored state continues exactly").expectIdentical(
    try restored.residual(at: point).detached().flattened(), value, "the residual after restoring")

  let linearization = try prepared.linearization(at: point)
  let jacobian = linearization.jacobian
  let linear = law("the linearisation is the derivative of the residual")
  linear.expectClose(linearization.residual.detached(), value, rtol: 1e-12, atol: 1e-12, "its residual")
  guard
    linear.requires(
      jacobian.columns == vector.elementCount && jacobian.rows == value.elementCount,
      "the Jacobian is \(jacobian.rows)×\(jacobian.columns) for \(value.elementCount) equations and "
        + "\(vector.elementCount) parameters")
  else { return }
  var generator = RandomGenerator(seed: 2)
  for _ in 0..<3 {
    let (direction, h) = (generator.normal([vector.elementCount], dtype: .float64), 1e-4)
    func moved(_ step: Double) throws -> Tensor { try residual(at: [vector + step * direction]) }
    let slope = try (8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))) / (12 * h)
    linear.expectClose(try jacobian.apply(direction).detached(), slope, rtol: 1e-7, atol: 1e-8, "its product")
  }
  law("the Jacobian has its adjoint").expectAdjoint(
    { try jacobian.apply($0) }, { try jacobian.applyAdjoint($0) }, from: [jacobian.columns], to: [jacobian.rows])
  for rate in [0.0, 1] {
    try expectProjection(
      of: prepared, at: point, rate: rate, law("projections take their part \(rate) of the violation away"))
  }
}

/// Expects projected updates, in closed form where there is one, to be those of a direct solver.
private func expectProjection(of constraint: any Constraint, at point: [Tensor], rate: Double, _ law: Law) throws {
  let update = point.map { $0.square() + 0.3 }
  var closed = NullSpaceProjected(
    SGD(learningRate: 1), constraint: constraint, solver: LSMR(tolerance: 1e-13), schedule: .init(correctionRate: rate))
  var solved = NullSpaceProjected(
    SGD(learningRate: 1), constraint: WithoutClosedForm(constraint: constraint), solver: DenseSolver(),
    schedule: .init(correctionRate: rate))
  let (one, other) = (try closed.updates(for: update, at: point), try solved.updates(for: update, at: point))
  guard law.requires(one.map(\.shape) == point.map(\.shape), "the update has the shapes \(one.map(\.shape))") else {
    return
  }
  law.expectClose(.flatten(one), .flatten(other), rtol: 1e-6, atol: 1e-6, "the update of a direct solver")
}

/// A constraint as another one is, but without a closed form.
package struct WithoutClosedForm: Constraint {
  package var constraint: any Constraint

  package init(constraint: any Constraint) { self.constraint = constraint }

  package func residual(at parameters: [Tensor]) throws -> Tensor { try constraint.residual(at: parameters) }
  package mutating func prepare(step: Int, at parameters: [Tensor]) throws {
    try constraint.prepare(step: step, at: parameters)
  }
  package var correctionRate: Double? { constraint.correctionRate }
}
