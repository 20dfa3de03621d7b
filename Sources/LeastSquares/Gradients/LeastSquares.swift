public import Torch

/// Solves min ‖A(θ)·x − b‖² + δ²·‖x − x₀‖², with exact gradients in b, δ, x₀ and the operator's parameters θ.
///
/// The iterations are not differentiated. The gradients come from one to three further solves with A and Aᵀ, each of the same cost and
/// memory as the first solve, whatever the number of iterations. They are as accurate as these solves, so choose the tolerance
/// accordingly. They hold for tall, wide and square operators of full or deficient rank, and can be differentiated again. If the rank
/// is deficient, it must stay the same near θ; otherwise the solution is not differentiable.
///
/// S. Roy, S. Hauberg & N. Krämer (2025), *Matrix-free least squares solvers: values, gradients, and what to do with them*,
/// arXiv 2510.19634; for pseudo-inverses of constant rank, G. H. Golub & V. Pereyra (1973), *The differentiation of
/// pseudo-inverses and nonlinear least squares problems whose variables separate*.
///
/// - Parameters:
///   - a: the operator A.
///   - b: the right-hand side `[a.rows]`.
///   - damping: δ ≥ 0, a tensor of one element.
///   - x0: the starting point `[a.columns]`, zeros by default. Damping pulls towards it, and of several minimisers the nearest to it
///     is returned. A recorded solve solves for x − x₀ with the right-hand side b − A·x₀, and its tolerances are relative to that.
///   - solver: the solver for the solution and for the gradients.
///   - acceptsEarlyStop: whether solves for gradients may stop early, as they do by design with a small limit of iterations. If
///     `false`, such a gradient is an error.
/// - Returns: the solution with a recorded `x`. The solver may have stopped early; see `converged()` and `warnings`.
/// - Throws: `LeastSquaresError` for input that does not fit or is not finite, and the errors of the operator. The backward pass
///   throws the same errors, and `LeastSquaresWarning.notConverged` if one of its solves did not converge.
public func leastSquares(
  _ a: any LinearOperator, _ b: Tensor, damping: Tensor, from x0: Tensor? = nil,
  solver: any LeastSquaresSolver = .automatic, acceptsEarlyStop: Bool = false
) throws -> LeastSquaresSolution {
  guard damping.elementCount == 1 else {
    throw LeastSquaresError("the damping is one number, not a tensor of shape \(damping.shape)")
  }
  return try differentiableLeastSquares(
    a, b, damping: damping.item(), dampingTensor: damping.requiresGradient ? damping : nil, from: x0, solver: solver,
    acceptsEarlyStop: acceptsEarlyStop)
}

/// Solves min ‖A(θ)·x − b‖² + δ²·‖x − x₀‖² with a number δ, which has no gradient.
///
/// - Throws: the same errors as with a tensor δ.
public func leastSquares(
  _ a: any LinearOperator, _ b: Tensor, damping: Double = 0, from x0: Tensor? = nil,
  solver: any LeastSquaresSolver = .automatic, acceptsEarlyStop: Bool = false
) throws -> LeastSquaresSolution {
  try differentiableLeastSquares(
    a, b, damping: damping, dampingTensor: nil, from: x0, solver: solver, acceptsEarlyStop: acceptsEarlyStop)
}

private func differentiableLeastSquares(
  _ a: any LinearOperator, _ b: Tensor, damping: Double, dampingTensor: Tensor?, from x0: Tensor?,
  solver: any LeastSquaresSolver, acceptsEarlyStop: Bool
) throws -> LeastSquaresSolution {
  let isRecorded =
    gradientsAreRecorded
    && (b.requiresGradient || dampingTensor != nil || x0?.requiresGradient == true
      || a.parameters.contains(where: \.requiresGradient))
  if !isRecorded { return try solver.solve(a, b, damping: damping, from: x0) }
  if let x0 {
    // Recorded as a shifted problem, x₀ gets its gradient automatically, and A its part of the gradient.
    try checkProblem(a, b, damping: damping, from: x0)
    var solution = try differentiableLeastSquares(
      a, b - (try a.apply(x0)), damping: damping, dampingTensor: dampingTensor, from: nil, solver: solver,
      acceptsEarlyStop: acceptsEarlyStop)
    solution.x = solution.x + x0
    return solution
  }
  try checkProblem(a, b, damping: damping, from: nil)
  let system = try solver.prepare(a, like: b)
  var solution = try system.solve(b, damping: damping, from: nil)
  // The closure captures values that are not recorded: the recorded output would keep its own record alive for ever.
  let gradient = LeastSquaresGradient(
    a: a, b: b, damping: damping, dampingTensor: dampingTensor, solver: solver, system: system, solution: solution,
    acceptsEarlyStop: acceptsEarlyStop)
  let inputs = [b] + (dampingTensor.map { [$0] } ?? []) + a.parameters
  let values = solution.x
  solution.x = try customFunction(inputs) { _ in
    [values]
  } backward: {
    try gradient($0[0])
  }[0]
  return solution
}
