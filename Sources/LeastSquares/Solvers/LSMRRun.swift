internal import Torch

/// One solve with LSMR: the vectors, and the loop of Golub–Kahan steps and rotations.
///
/// The unit vectors u and v of the bidiagonalisation are stored as multiples of themselves, together with the norms of these. Each
/// update, with its normalisation, is then one pass through memory. The factors, about 1/‖A‖, keep products within range for operators
/// of any magnitude.
struct LSMRRun {
  private let settings: LSMR
  private let a: any LinearOperator
  private let b: Tensor
  private let damping: Double
  private let x0: Tensor?
  private let iterationLimit: Int

  private var u: Tensor
  private var v: Tensor
  private var uNorm = 1.0
  private var vNorm = 1.0
  private var h: Tensor
  private var hBar: Tensor
  private var x: Tensor
  private var basis: [Tensor] = []
  private var dual: Dual?
  private var carried: CarriedResidual?
  private var recurrence: LSMRRecurrence
  private var alphas: [Double] = []
  private var betas: [Double] = []
  private var stopReason: StopReason?

  init(_ settings: LSMR, _ a: any LinearOperator, _ b: Tensor, _ damping: Double, _ x0: Tensor?) throws {
    self.settings = settings
    self.a = a
    self.b = b
    self.damping = damping
    self.x0 = x0
    let (tenfold, overflows) = min(a.rows, a.columns).multipliedReportingOverflow(by: 10)
    iterationLimit = settings.iterationLimit ?? (overflows ? .max : tenfold)

    let bNorm = try checkedNorm(b)
    u = b
    var beta = bNorm
    if let x0 {
      u = try checkedProduct(a.apply(x0), [a.rows], like: b)
      beta = u.combine(1, b, -1)
      guard beta.isFinite else { throw nonFinite("A·x₀") }
    }
    if !settings.checksSolution {
      carried = CarriedResidual(residual: u, h: Tensor.zeros(like: b), hBar: Tensor.zeros(like: b))
    }
    x = x0 ?? Tensor.zeros([a.columns], dtype: b.dtype, device: b.device)
    v = x
    var alpha = 0.0
    if beta > 0 {
      u = u / beta
      v = try checkedProduct(a.applyAdjoint(u), [a.columns], like: b)
      alpha = v.norm()
      guard alpha.isFinite else { throw nonFinite("Aᵀ·u in the first iteration") }
      if alpha > 0 { v = v / alpha }
    }
    if settings.tracksMultipliers {
      let zeros = Tensor.zeros(like: b)
      dual = Dual(p: alpha > 0 ? u / alpha : zeros, h: alpha > 0 ? u / alpha : zeros, hBar: zeros, multipliers: zeros)
    }
    h = v
    hBar = Tensor.zeros(like: x)
    if settings.reorthogonalization > 0 { basis = [v] }
    recurrence = LSMRRecurrence(alpha: alpha, beta: beta, damping: damping, bNorm: bNorm)
    if alpha * beta == 0 { stopReason = .startIsSolution }
  }

  mutating func iterate() throws {
    while stopReason == nil, recurrence.iteration < iterationLimit { try step() }
    if stopReason == nil { stopReason = .iterationLimit }
  }

  /// One Golub–Kahan step, and the rotations that follow from it.
  private mutating func step() throws {
    let iteration = recurrence.iteration + 1
    var alpha = recurrence.alpha
    let scale = recurrence.operatorNorm
    alphas.append(alpha)
    let image = try checkedProduct(a.apply(v), [a.rows], like: b)
    let imageFactor = 1 / vNorm
    uNorm = u.combine(1 / (vNorm * scale), image, -alpha / (uNorm * scale))
    let beta = uNorm * scale
    guard beta.isFinite else { throw nonFinite("A·v in iteration \(iteration)") }
    betas.append(beta)
    if beta > 0 {
      let image = try checkedProduct(a.applyAdjoint(u), [a.columns], like: b)
      let (p, q) = (1 / (uNorm * scale), -beta / (vNorm * scale))
      vNorm = v.combine(p, image, q)
      dual?.combine(p, u, q)
      reorthogonalize()
      alpha = vNorm * scale
      guard alpha.isFinite else { throw nonFinite("Aᵀ·u in iteration \(iteration)") }
    }
    // If β or α is 0, v has not changed, and its factor in h is 0.
    let update = recurrence.rotate(alpha: alpha, beta: beta)
    let xNorm = Tensor.advance(
      &hBar, &x, &h, v: v, p: update.hBar, q: update.x, r: vNorm > 0 ? 1 / vNorm : 0, s: update.h)
    dual?.advance(p: update.hBar, q: update.x, r: vNorm > 0 ? 1 / vNorm : 0, s: update.h)
    carried?.advance(image, imageFactor, p: update.hBar, q: update.x, s: update.h)
    guard xNorm.isFinite else {
      throw LeastSquaresError(
        "the solution left the range of \(b.dtype) in iteration \(iteration); scale the problem or use float64")
    }
    recurrence.estimate(solutionNorm: xNorm)
    stopReason = recurrence.stopReason(settings, precision: b.dtype.ulpOfOne / 2, iterationLimit: iterationLimit)
  }

  /// Makes v orthogonal to the latest vectors before it.
  private mutating func reorthogonalize() {
    guard settings.reorthogonalization > 0, vNorm > 0 else { return }
    for previous in basis { vNorm = v.combine(-v.matmul(previous).item(), previous, 1) }
    guard vNorm > 0 else { return }
    if basis.count == settings.reorthogonalization { basis.removeFirst() }
    basis.append(v / vNorm)
  }

  func solution() throws -> LeastSquaresSolution {
    let check =
      try carried.map {
        Residuals(
          carried: $0.residual, x, damping: damping, from: x0, normalResidualNorm: recurrence.normalResidualNorm)
      } ?? Residuals(a, b, x, damping: damping, from: x0)
    guard check.normalResidualNorm.isFinite else { throw nonFinite("b − A·x") }
    var reason = stopReason ?? .iterationLimit
    let estimates = recurrence
    let xNorm = x.norm()
    if carried == nil, reason.isConverged, reason != .startIsSolution, deniesConvergence(check, reason, xNorm) {
      reason = .stalled
    }
    let isConsistent =
      switch reason {
      case .residualTolerance, .residualPrecision: damping == 0
      case .startIsSolution: check.residual.norm() == 0
      default: false
      }
    return LeastSquaresSolution(
      x: x, residual: check.residual, stopReason: reason, iterations: estimates.iteration,
      residualNorm: check.residualNorm, normalResidualNorm: check.normalResidualNorm,
      damping: damping,
      operatorNorm: estimates.operatorNorm, condition: estimates.condition, isConsistent: isConsistent,
      spectrum: Spectrum(.bidiagonal(alphas: alphas, betas: betas), of: a, in: b.dtype),
      recurrences: (estimates.residualNorm, estimates.normalResidualNorm), multipliers: dual?.multipliers)
  }

  /// Whether the residuals of x contradict the convergence that the recurrences claim, by more than rounding errors of computing them.
  private func deniesConvergence(_ check: Residuals, _ reason: StopReason, _ xNorm: Double) -> Bool {
    let (norm, bNorm) = (recurrence.operatorNorm, recurrence.bNorm)
    // For b = 0 only the start has a scale.
    let scale = bNorm > 0 ? norm * xNorm + bNorm : norm * (x0?.norm() ?? 0)
    let rounding = 10 * b.dtype.ulpOfOne * scale
    switch reason {
    case .residualTolerance, .residualPrecision:
      return check.residualNorm > 2 * (settings.btol * bNorm + settings.atol * norm * xNorm) + rounding
    case .leastSquaresTolerance, .leastSquaresPrecision:
      return check.normalResidualNorm > 2 * settings.atol * norm * check.residualNorm + norm * rounding
    default: return false
    }
  }
}

/// The vectors whose images under Aᵀ are v, h, h̄ and x − x₀; they follow the same recurrences with u in place of Aᵀ·u.
private struct Dual {
  var p: Tensor
  var h: Tensor
  var hBar: Tensor
  var multipliers: Tensor

  mutating func combine(_ a: Double, _ u: Tensor, _ b: Double) { _ = p.combine(a, u, b) }

  mutating func advance(p: Double, q: Double, r: Double, s: Double) {
    _ = Tensor.advance(&hBar, &multipliers, &h, v: self.p, p: p, q: q, r: r, s: s)
  }
}

/// b − A·x, updated together with x by the images of h and h̄ under A.
private struct CarriedResidual {
  private(set) var residual: Tensor
  var h: Tensor
  var hBar: Tensor
  private var factor = 0.0

  init(residual: Tensor, h: Tensor, hBar: Tensor) {
    self.residual = residual
    self.h = h
    self.hBar = hBar
  }

  /// Updates the residual by A·v, a multiple of the unit vector's image, and the coefficients of the update of x.
  mutating func advance(_ image: Tensor, _ imageFactor: Double, p: Double, q: Double, s: Double) {
    _ = h.combine(imageFactor, image, factor)
    _ = hBar.combine(1, h, p)
    _ = residual.combine(-q, hBar, 1)
    factor = s
  }
}

private func nonFinite(_ product: String) -> LeastSquaresError {
  LeastSquaresError("\(product) has elements that are not finite; the operator returned them or overflowed")
}
