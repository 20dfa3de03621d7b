internal import Torch

/// The backward pass of a least-squares solve.
///
/// ## Derivation
///
/// *Damped*, δ > 0. x solves (AᵀA + δ²I)·x = Aᵀb. With r = b − Ax, a perturbation gives
///
///     (AᵀA + δ²I)·dx = dAᵀ·r − Aᵀ·dA·x + Aᵀ·db − 2δ·dδ·x.
///
/// For the cotangent g of x let ξ = (AᵀA + δ²I)⁻¹·g and λ = Aξ, so that λ = LstSq(Aᵀ, g, δ). Then
///
///     ⟨g, dx⟩ = ⟨r, dA·ξ⟩ − ⟨λ, dA·x⟩ + ⟨λ, db⟩ − 2δ·⟨ξ, x⟩·dδ.
///
/// *Undamped.* x = A⁺b. For constant rank (Golub & Pereyra 1973)
///
///     dA⁺ = −A⁺·dA·A⁺ + (AᵀA)⁺·dAᵀ·(I − AA⁺) + (I − A⁺A)·dAᵀ·(AAᵀ)⁺.
///
/// With λ = A⁺ᵀg = LstSq(Aᵀ, g), ξ = (AᵀA)⁺g = LstSq(A, λ), y = (AAᵀ)⁺b = LstSq(Aᵀ, x) and g⊥ = g − Aᵀλ:
///
///     ⟨g, dx⟩ = ⟨r, dA·ξ⟩ − ⟨λ, dA·x⟩ + ⟨y, dA·g⊥⟩ + ⟨λ, db⟩.
///
/// r = 0 for full row rank, so ξ is not needed then; g⊥ = 0 for full column rank, so y is not.
///
/// The part of A(θ) is the gradient in θ of Φ(θ) = ⟨r, A(θ)ξ⟩ − ⟨λ, A(θ)x⟩ + ⟨y, A(θ)g⊥⟩ with all vectors held fixed.
struct LeastSquaresGradient {
  let a: any LinearOperator
  let b: Tensor
  let damping: Double
  let dampingTensor: Tensor?
  let solver: any LeastSquaresSolver
  let system: any PreparedLeastSquares
  /// With an `x` that is not recorded.
  let solution: LeastSquaresSolution
  let acceptsEarlyStop: Bool

  /// What the gradient consists of: vectors of Φ, in pairs (y, x) of terms ⟨y, A(θ)·x⟩.
  struct Parts {
    var lambda: Tensor
    var terms: [(left: Tensor, right: Tensor)]
    var damping: Tensor?
  }

  /// The cotangents of b, the damping if it is a tensor, and θ, for the cotangent of x.
  func callAsFunction(_ g: Tensor) throws -> [Tensor?] {
    let needsOperator = a.parameters.contains(where: \.requiresGradient)
    let parts = try gradientsAreRecorded ? recordedParts(g, needsOperator) : plainParts(g, needsOperator)
    let head: [Tensor?] = [parts.lambda] + (dampingTensor == nil ? [] : [parts.damping])
    return try head + (needsOperator ? operatorGradients(parts.terms) : a.parameters.map { _ in nil })
  }

  /// ∇θ Σ ⟨left, A(θ)·right⟩, the vectors held fixed.
  private func operatorGradients(_ terms: [(left: Tensor, right: Tensor)]) throws -> [Tensor?] {
    let isRecorded = gradientsAreRecorded
    // θ as fresh variables, so that only its explicit occurrence counts. To be differentiated again they stay attached to θ.
    let fresh = a.parameters.map { parameter in
      guard parameter.requiresGradient else { return parameter }
      return isRecorded ? parameter.expanded(to: parameter.shape) : parameter.detached().variable()
    }
    let wanted = fresh.filter(\.requiresGradient)
    let phi = try withGradients {
      try terms.map { try a.pairing($0.left, $0.right, fresh) }.reduce(Tensor(0, dtype: b.dtype).to(b.device), +)
    }
    guard phi.requiresGradient else { return a.parameters.map { _ in nil } }
    var results = try gradients(of: phi, withRespectTo: wanted, createGraph: isRecorded)[...]
    return fresh.map { $0.requiresGradient ? results.popFirst() : nil }
  }

  // MARK: First order

  private func plainParts(_ g: Tensor, _ needsOperator: Bool) throws -> Parts {
    let adjoint = try accepted(system.solveAdjoint(g, damping: damping))
    var parts = Parts(lambda: adjoint.x, terms: [(-adjoint.x, solution.x)])
    if damping > 0 {
      if !needsOperator, dampingTensor == nil { return parts }
      let damped = try dampedVectors(g, adjoint)
      parts.terms.append((damped.residual, damped.xi))
      parts.damping = dampingTensor.map { Tensor.full(like: $0, -2 * damping * damped.product) }
    } else if needsOperator {
      if !residualVanishes(solution, rows: a.rows) {
        parts.terms.append((solution.residual, try accepted(system.solve(adjoint.x, damping: 0, from: nil)).x))
      }
      if !residualVanishes(adjoint, rows: a.columns) {
        parts.terms.append((try accepted(system.solveAdjoint(solution.x, damping: 0)).x, adjoint.residual))
      }
    }
    return parts
  }

  /// Whether the residual of a solve counts as 0, so that its term can be left out.
  ///
  /// A direct solver costs little more for the term, and a small residual may be meant: there the rank decides.
  private func residualVanishes(_ solution: LeastSquaresSolution, rows: Int) -> Bool {
    solution.stopReason == .direct ? solution.spectrum.exactRank == rows : solution.isConsistent
  }

  /// r = b − Ax, ξ = (AᵀA + δ²I)⁻¹g = (g − Aᵀλ)/δ² and ⟨ξ, x⟩ = ⟨λ, r⟩/δ².
  ///
  /// Where a subtraction cancels, as g − Aᵀλ for full column rank and r for full row rank, and where that matters, the difference
  /// is solved for instead. In Φ the product of r and ξ counts beside that of λ and x.
  private func dampedVectors(
    _ g: Tensor, _ adjoint: LeastSquaresSolution
  ) throws -> (residual: Tensor, xi: Tensor, product: Double) {
    let precision = b.dtype.ulpOfOne.squareRoot()
    // A subtraction that leaves less than this loses more than a quarter of the digits.
    let cancellation = precision.squareRoot()
    let (squared, needsProduct) = (damping * damping, dampingTensor != nil)
    let (rNorm, bNorm) = (solution.residual.norm(), b.norm())
    let (restNorm, gNorm) = (adjoint.residual.norm(), g.norm())
    let other = adjoint.solutionNorm * solution.solutionNorm * 1e-3

    var residual = solution.residual
    var xi = adjoint.residual / squared
    let restCancels = restNorm < cancellation * gNorm
    // λ is as good as its solve: ‖Aᵀ·(AAᵀ + δ²I)⁻¹‖ ≤ 1/2δ bounds what is left of its normal residual in g − Aᵀλ.
    let restError = max(restCancels ? precision * gNorm : 0, adjoint.normalResidualNorm / (2 * damping))
    if restError > cancellation * restNorm, needsProduct || rNorm * restError / squared > other {
      xi = try regularizedInverse(a, adjoint.x, adjoint.residual)
    }
    let residualCancels = rNorm < cancellation * bNorm
    if residualCancels, needsProduct && !restCancels || xi.norm() * precision * bNorm > other {
      residual = try regularizedInverse(TransposedOperator(of: a), solution.x, solution.residual) * squared
    }
    guard needsProduct else { return (residual, xi, 0) }
    let product =
      residualCancels && !restCancels ? adjoint.x.dot(residual).item() / squared : xi.dot(solution.x).item()
    return (residual, xi, product)
  }

  /// ξ = (MᵀM + δ²I)⁻¹g from λ = Mξ and g − Mᵀλ = δ²ξ: the solution of the consistent system (M; δI)·ξ = (λ; (g − Mᵀλ)/δ).
  private func regularizedInverse(_ m: any LinearOperator, _ lambda: Tensor, _ rest: Tensor) throws -> Tensor {
    let (n, damping) = (m.columns, damping)
    let penalty = FunctionOperator(rows: n, columns: n, productCost: Double(n), adjoint: { y, _ in y * damping }) {
      x, _ in
      x * damping
    }
    let target = Tensor.concatenate([lambda, rest / damping])
    return try accepted(solver.solve(StackedOperator([m, penalty]), target)).x
  }

  // MARK: Higher orders

  /// The same vectors as functions of b, δ and θ that can be differentiated; all terms are kept, since one that is 0 may have a
  /// derivative.
  private func recordedParts(_ g: Tensor, _ needsOperator: Bool) throws -> Parts {
    let aTransposed = TransposedOperator(of: a)
    let delta = dampingTensor ?? Tensor(damping, dtype: b.dtype).to(b.device)
    func solved(_ a: any LinearOperator, _ b: Tensor, _ damping: Tensor?) throws -> Tensor {
      let solution =
        try damping.map {
          try leastSquares(a, b, damping: $0, solver: solver, acceptsEarlyStop: acceptsEarlyStop)
        } ?? leastSquares(a, b, solver: solver, acceptsEarlyStop: acceptsEarlyStop)
      return try accepted(solution).x
    }
    if damping == 0 {
      let lambda = try solved(aTransposed, g, nil)
      guard needsOperator || dampingTensor != nil else { return Parts(lambda: lambda, terms: []) }
      let x = try solved(a, b, nil)
      let xi = try solved(a, lambda, nil)
      // 0 where δ is, but its derivative in δ is not.
      let damping = dampingTensor.map { (xi.dot(x) * $0.reshaped([]).to(b.dtype) * -2).to($0.dtype).reshaped($0.shape) }
      guard needsOperator else { return Parts(lambda: lambda, terms: [], damping: damping) }
      return Parts(
        lambda: lambda,
        terms: [
          (-lambda, x), (b - (try a.apply(x)), xi),
          (try solved(aTransposed, x, nil), g - (try a.applyAdjoint(lambda))),
        ], damping: damping)
    }
    let lambda = try solved(aTransposed, g, delta)
    guard needsOperator || dampingTensor != nil else { return Parts(lambda: lambda, terms: []) }
    let x = try solved(a, b, delta)
    let scale = delta.reshaped([]).to(b.dtype)
    let penalty = ScaledOperator(DiagonalOperator(Tensor.ones(like: x.detached())), by: delta)
    let target = Tensor.concatenate([lambda, (g - (try a.applyAdjoint(lambda))) / scale])
    let xi = try solved(StackedOperator([a, penalty]), target, nil)
    return Parts(
      lambda: lambda, terms: [(-lambda, x), (b - (try a.apply(x)), xi)],
      damping: dampingTensor.map { (xi.dot(x) * scale * -2).to($0.dtype).reshaped($0.shape) })
  }

  private func accepted(_ solution: LeastSquaresSolution) throws -> LeastSquaresSolution {
    acceptsEarlyStop ? solution : try solution.converged()
  }
}
