public import Torch

/// Solves min ‖A(θ)·x − b‖² + δ²·‖x − x₀‖², with exact gradients in b, δ, x₀ and the operator's parameters θ.
///
/// The gradients come from further solves with A and Aᵀ, not from differentiating the iterations: one to three of them, of the
/// same cost and memory as the solve itself, whatever the number of iterations. They hold for tall, wide and square
/// operators of full or deficient rank; a deficient rank must stay the same near θ for the solution to be differentiable at all.
/// They can be differentiated again. Their accuracy is that of the solves: choose the tolerance for it.
///
/// S. Roy, S. Hauberg & N. Krämer (2025), *Matrix-free least squares solvers: values, gradients, and what to do with them*,
/// arXiv 2510.19634; for pseudo-inverses of constant rank, G. H. Golub & V. Pereyra (1973), *The differentiation of
/// pseudo-inverses and nonlinear least squares problems whose variables separate*.
///
/// - Parameters:
///   - a: the operator A.
///   - b: the right-hand side `[a.rows]`.
///   - damping: δ ≥ 0, a tensor of one element.
///   - x0: where to start: of several minimisers the nearest, and where damping pulls to; zeros by default. A recorded solve
///     from x₀ is that of b − A·x₀, which tolerances are then relative to.
///   - solver: how to solve, here and for the gradients.
///   - acceptsEarlyStop: whether solves for gradients may stop early, as they do by design with a small limit of iterations;
///     otherwise such a gradient is an error.
/// - Returns: the solution, whose `x` is recorded. It may have stopped early; `converged()` and `warnings` tell.
/// - Throws: `LeastSquaresError` for input that does not fit or is not finite, and what the operator throws. The backward
///   pass throws the same, and `LeastSquaresWarning.notConverged` if a solve of its own did not converge.
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

/// Solves min ‖A(θ)·x − b‖² + δ²·‖x − x₀‖² for a damping that is a number.
///
/// - Throws: as for a damping that is a tensor.
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
    // x₀ shifts the problem; written so, its gradient and A's part in it come by themselves.
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
  // What is captured are the values without their record: the output itself would keep the record alive for ever.
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
