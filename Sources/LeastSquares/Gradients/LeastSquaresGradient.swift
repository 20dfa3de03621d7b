internal import Torch

/// The backward pass of a least-squares solve.
///
/// ## Derivation
///
/// g is the cotangent of x, r = b − A·x, and LstSq(A, b, δ) is the minimiser of ‖A·x − b‖² + δ²·‖x‖². The result is the cotangents b̄ and
/// δ̄, and the gradient in θ of Φ(θ) with all vectors held fixed.
///
/// **Undamped.** x = A⁺·b. For a constant rank (Golub & Pereyra 1973)
///
///     dA⁺ = −A⁺·dA·A⁺ + (AᵀA)⁺·dAᵀ·(I − AA⁺) + (I − A⁺A)·dAᵀ·(AAᵀ)⁺.
///
/// With
///
///     λ  = LstSq(Aᵀ, g) = A⁺ᵀ·g
///     ξ  = LstSq(A, λ)  = (AᵀA)⁺·g
///     y  = LstSq(Aᵀ, x) = (AAᵀ)⁺·b
///     g⊥ = g − Aᵀ·λ
///
/// this gives ⟨g, dx⟩ = ⟨λ, db⟩ − ⟨λ, dA·x⟩ + ⟨r, dA·ξ⟩ + ⟨y, dA·g⊥⟩, so that
///
///     b̄ = λ,   Φ(θ) = −⟨λ, A(θ)·x⟩ + ⟨r, A(θ)·ξ⟩ + ⟨y, A(θ)·g⊥⟩.
///
/// For a full row rank r = 0, and ξ is not needed. For a full column rank g⊥ = 0, and y is not needed.
///
/// **Damped**, δ > 0. x solves (AᵀA + δ²I)·x = Aᵀ·b, and a perturbation gives
///
///     (AᵀA + δ²I)·dx = dAᵀ·r − Aᵀ·dA·x + Aᵀ·db − 2δ·dδ·x.
///
/// With
///
///     λ  = LstSq(Aᵀ, g, δ) = A·ξ
///     g⊥ = g − Aᵀ·λ = δ²·ξ
///     ξ  = (AᵀA + δ²I)⁻¹·g
///
/// this gives ⟨g, dx⟩ = ⟨λ, db⟩ − ⟨λ, dA·x⟩ + ⟨r, dA·ξ⟩ − 2δ·⟨ξ, x⟩·dδ, so that
///
///     b̄ = λ,   Φ(θ) = −⟨λ, A(θ)·x⟩ + ⟨r, A(θ)·ξ⟩,   δ̄ = −2δ·⟨ξ, x⟩.
///
/// ## Higher orders
///
/// If the backward pass is itself recorded, each vector is computed as a function of b, δ and θ that can be differentiated again. No
/// term is then left out, because a term that is 0 may have a derivative.
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

  private struct Cotangents {
    /// b̄.
    let rightHandSide: Tensor
    /// δ̄; `nil` if it is 0 or not wanted.
    var damping: Tensor?
    /// The terms ⟨left, A(θ)·right⟩ of Φ.
    var terms: [(left: Tensor, right: Tensor)] = []
  }

  private var needsOperator: Bool { a.parameters.contains(where: \.requiresGradient) }

  /// The cotangents of b, of the damping if it is a tensor, and of θ, for the cotangent of x.
  func callAsFunction(_ g: Tensor) throws -> [Tensor?] {
    let cotangents = try damping > 0 ? dampedCotangents(g) : undampedCotangents(g)
    let head: [Tensor?] = [cotangents.rightHandSide] + (dampingTensor == nil ? [] : [cotangents.damping])
    return try head + (needsOperator ? operatorGradients(cotangents.terms) : a.parameters.map { _ in nil })
  }

  private func undampedCotangents(_ g: Tensor) throws -> Cotangents {
    let lambda = try adjointMinimiser(g, delta: nil)
    var result = Cotangents(rightHandSide: lambda.x)
    // δ̄ is 0 where δ is, but its derivative in δ is not.
    let dampingTensor = gradientsAreRecorded ? dampingTensor : nil
    guard needsOperator || dampingTensor != nil else { return result }
    let x = try primalSolution(delta: nil)
    let xi = residualVanishes(x, rows: a.rows) ? nil : try minimiser(lambda.x, delta: nil).x
    if let xi, let delta = dampingTensor {
      result.damping = cotangent(of: delta, product: xi.dot(x.x) * Penalty(delta, like: b).scalar)
    }
    guard needsOperator else { return result }

    result.terms = [(-lambda.x, x.x)]
    if let xi { result.terms.append((try residual(b, x), xi)) }
    if !residualVanishes(lambda, rows: a.columns) {
      let y = try adjointMinimiser(x.x, delta: nil).x
      result.terms.append((y, try adjointResidual(g, lambda)))
    }
    return result
  }

  private func dampedCotangents(_ g: Tensor) throws -> Cotangents {
    let delta = dampingTensor ?? Tensor(damping, dtype: b.dtype).to(b.device)
    let lambda = try adjointMinimiser(g, delta: delta)
    var result = Cotangents(rightHandSide: lambda.x)
    guard needsOperator || dampingTensor != nil else { return result }
    let x = try primalSolution(delta: delta)
    let penalty = Penalty(delta, like: b)
    guard gradientsAreRecorded else {
      let (r, xi, product) = try accurateVectors(g, lambda, penalty)
      result.terms = [(-lambda.x, x.x), (r, xi)]
      result.damping = dampingTensor.map { Tensor.full(like: $0, -2 * damping * product) }
      return result
    }
    let xi = try regularizedInverse(a, lambda.x, try adjointResidual(g, lambda), penalty)
    result.terms = [(-lambda.x, x.x), (try residual(b, x), xi)]
    result.damping = dampingTensor.map { cotangent(of: $0, product: xi.dot(x.x) * penalty.scalar) }
    return result
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

  // MARK: Solves

  /// LstSq(A, b, δ), without damping for `nil`; with an x that can be differentiated if gradients are recorded.
  private func minimiser(_ b: Tensor, delta: Tensor?) throws -> LeastSquaresSolution {
    if gradientsAreRecorded { return try recordedMinimiser(a, b, delta) }
    return try accepted(system.solve(b, damping: delta == nil ? 0 : damping, from: nil))
  }

  /// LstSq(Aᵀ, g, δ), in the same way.
  private func adjointMinimiser(_ g: Tensor, delta: Tensor?) throws -> LeastSquaresSolution {
    if gradientsAreRecorded { return try recordedMinimiser(TransposedOperator(of: a), g, delta) }
    return try accepted(system.solveAdjoint(g, damping: delta == nil ? 0 : damping))
  }

  private func recordedMinimiser(_ a: any LinearOperator, _ b: Tensor, _ delta: Tensor?) throws -> LeastSquaresSolution
  {
    guard let delta else {
      return try accepted(leastSquares(a, b, solver: solver, acceptsEarlyStop: acceptsEarlyStop))
    }
    return try accepted(leastSquares(a, b, damping: delta, solver: solver, acceptsEarlyStop: acceptsEarlyStop))
  }

  /// x; if gradients are recorded, it is solved for again as a function that can be differentiated.
  private func primalSolution(delta: Tensor?) throws -> LeastSquaresSolution {
    gradientsAreRecorded ? try minimiser(b, delta: delta) : solution
  }

  /// b − A·x, recorded where x is.
  private func residual(_ b: Tensor, _ minimiser: LeastSquaresSolution) throws -> Tensor {
    gradientsAreRecorded ? b - (try a.apply(minimiser.x)) : minimiser.residual
  }

  /// g − Aᵀ·λ, recorded where λ is.
  private func adjointResidual(_ g: Tensor, _ minimiser: LeastSquaresSolution) throws -> Tensor {
    gradientsAreRecorded ? g - (try a.applyAdjoint(minimiser.x)) : minimiser.residual
  }

  /// Whether the residual of a solve counts as 0, so that its term can be left out.
  ///
  /// A solver that knows the rank decides by the rank: a small residual may be meant, and the term costs such a solver little.
  private func residualVanishes(_ solution: LeastSquaresSolution, rows: Int) -> Bool {
    if gradientsAreRecorded { return false }
    return solution.spectrum.exactRank.map { $0 == rows } ?? solution.isConsistent
  }

  private func accepted(_ solution: LeastSquaresSolution) throws -> LeastSquaresSolution {
    acceptsEarlyStop ? solution : try solution.converged()
  }

  // MARK: Damping

  /// −2·(product) as a cotangent of δ; the product is ⟨ξ, x⟩·δ.
  private func cotangent(of delta: Tensor, product: Tensor) -> Tensor {
    (product * -2).to(delta.dtype).reshaped(delta.shape)
  }

  /// δ in the forms that are needed.
  private struct Penalty {
    let delta: Tensor
    /// δ without dimensions, in the element type of the vectors.
    let scalar: Tensor

    init(_ delta: Tensor, like b: Tensor) {
      self.delta = delta
      scalar = delta.reshaped([]).to(b.dtype)
    }
  }

  /// r = b − A·x, ξ = g⊥/δ² and ⟨ξ, x⟩ = ⟨λ, r⟩/δ², to as many digits as the results need.
  ///
  /// r and g⊥ are differences. g⊥ cancels for a full column rank, and r for a full row rank. Where the lost digits matter, a further
  /// solve replaces the difference. In Φ the product of r and ξ counts beside the product of λ and x.
  private func accurateVectors(
    _ g: Tensor, _ lambda: LeastSquaresSolution, _ penalty: Penalty
  ) throws -> (r: Tensor, xi: Tensor, product: Double) {
    let precision = b.dtype.ulpOfOne.squareRoot()
    // A subtraction that leaves less than this loses more than a quarter of the digits.
    let cancellation = precision.squareRoot()
    let (squared, needsProduct) = (damping * damping, dampingTensor != nil)
    let (rNorm, bNorm) = (solution.residual.norm(), b.norm())
    let (perpendicularNorm, gNorm) = (lambda.residual.norm(), g.norm())
    let other = lambda.solutionNorm * solution.solutionNorm * 1e-3

    var r = solution.residual
    var xi = lambda.residual / squared
    let perpendicularCancels = perpendicularNorm < cancellation * gNorm
    // λ is as good as its solve: ‖Aᵀ·(AAᵀ + δ²I)⁻¹‖ ≤ 1/2δ bounds what is left of its normal residual in g⊥.
    let perpendicularError = max(
      perpendicularCancels ? precision * gNorm : 0, lambda.normalResidualNorm / (2 * damping))
    if perpendicularError > cancellation * perpendicularNorm,
      needsProduct || rNorm * perpendicularError / squared > other
    {
      xi = try regularizedInverse(a, lambda.x, lambda.residual, penalty)
    }
    let residualCancels = rNorm < cancellation * bNorm
    if residualCancels, needsProduct && !perpendicularCancels || xi.norm() * precision * bNorm > other {
      r = try regularizedInverse(TransposedOperator(of: a), solution.x, solution.residual, penalty) * squared
    }
    guard needsProduct else { return (r, xi, 0) }
    let product =
      residualCancels && !perpendicularCancels ? lambda.x.dot(r).item() / squared : xi.dot(solution.x).item()
    return (r, xi, product)
  }

  /// ξ = (MᵀM + δ²I)⁻¹·g from λ = M·ξ and g⊥ = g − Mᵀ·λ = δ²·ξ: the solution of the consistent system (M; δI)·ξ = (λ; g⊥/δ).
  private func regularizedInverse(
    _ m: any LinearOperator, _ lambda: Tensor, _ perpendicular: Tensor, _ penalty: Penalty
  ) throws -> Tensor {
    let rows = ScaledOperator(DiagonalOperator(Tensor.ones(like: perpendicular.detached())), by: penalty.delta)
    let target = Tensor.concatenate([lambda, perpendicular / penalty.scalar])
    return try accepted(
      leastSquares(StackedOperator([m, rows]), target, solver: solver, acceptsEarlyStop: acceptsEarlyStop)
    ).x
  }
}
