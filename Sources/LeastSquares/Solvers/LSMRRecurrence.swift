/// The scalars of LSMR: the rotations that make the bidiagonal matrix triangular, and the estimates that follow from them.
///
/// The names are those of Fong & Saunders (2011), arXiv 1006.0758, sections 2.8, 5.1 and 5.2. An accent ˆ, ¯ or ˜ becomes a suffix.
struct LSMRRecurrence {
  let damping: Double
  let bNorm: Double

  private(set) var iteration = 0
  /// α of the latest right vector v.
  private(set) var alpha: Double
  private(set) var residualNorm: Double
  private(set) var normalResidualNorm: Double
  /// The Frobenius norm of the bidiagonal matrix so far, without damping, as in SciPy.
  private(set) var operatorNorm: Double
  private(set) var condition = 1.0
  private var solutionNorm = 0.0

  private var alphaBar: Double
  private var zetaBar: Double
  private var (rho, rhoBar, cBar, sBar) = (1.0, 1.0, 1.0, 0.0)
  private var (zeta, zetaOld) = (0.0, 0.0)

  private var betaDoubleDot: Double
  private var betaDot = 0.0
  private var (rhoDotOld, tauTildeOld, thetaTilde) = (1.0, 0.0, 0.0)
  private var dampedResidual = 0.0

  private var frobeniusNorm: Double
  private var (largestRhoBar, smallestRhoBar) = (0.0, Double.infinity)

  init(alpha: Double, beta: Double, damping: Double, bNorm: Double) {
    self.alpha = alpha
    self.damping = damping
    self.bNorm = bNorm
    alphaBar = alpha
    zetaBar = alpha * beta
    betaDoubleDot = beta
    frobeniusNorm = alpha
    operatorNorm = alpha
    residualNorm = beta
    normalResidualNorm = alpha * beta
  }

  /// Rotates the next α and β in, and returns the coefficients p, q and s of h̄ ← h + p·h̄, x ← x + q·h̄, h ← v + s·h.
  mutating func rotate(alpha: Double, beta: Double) -> (hBar: Double, x: Double, h: Double) {
    iteration += 1
    let (cHat, sHat, alphaHat) = rotation(alphaBar, damping)
    let rhoOld = rho
    let (c, s, newRho) = rotation(alphaHat, beta)
    rho = newRho
    let thetaNew = s * alpha
    alphaBar = c * alpha

    let rhoBarOld = rhoBar
    zetaOld = zeta
    let thetaBar = sBar * rho
    let rhoTemporary = cBar * rho
    (cBar, sBar, rhoBar) = rotation(rhoTemporary, thetaNew)
    zeta = cBar * zetaBar
    zetaBar = -sBar * zetaBar

    estimateResidual(beta: (cHat, sHat), c: c, s: s, thetaBar: thetaBar)
    operatorNorm = hypotenuse(frobeniusNorm, beta)
    frobeniusNorm = hypotenuse(operatorNorm, alpha)
    self.alpha = alpha

    // ρ̄ starts with 1, which says nothing about the operator. SciPy counts it among the largest.
    if iteration > 1 {
      largestRhoBar = max(largestRhoBar, rhoBarOld)
      smallestRhoBar = min(smallestRhoBar, rhoBarOld)
    }
    condition = max(largestRhoBar, rhoTemporary) / min(smallestRhoBar, rhoTemporary)
    normalResidualNorm = zetaBar.magnitude
    // No products of two norms, because they leave the range of doubles for norms beyond 1e±154.
    return (-thetaBar / rhoBarOld * (rho / rhoOld), zeta / rho / rhoBar, -thetaNew / rho)
  }

  /// ‖r̄‖, by rotations of the right-hand side β₁·e₁.
  private mutating func estimateResidual(
    beta hat: (c: Double, s: Double), c: Double, s: Double, thetaBar: Double
  ) {
    let betaAcute = hat.c * betaDoubleDot
    let betaCheck = -hat.s * betaDoubleDot
    let betaHat = c * betaAcute
    betaDoubleDot = -s * betaAcute

    let thetaTildeOld = thetaTilde
    let (cTildeOld, sTildeOld, rhoTildeOld) = rotation(rhoDotOld, thetaBar)
    thetaTilde = sTildeOld * rhoBar
    rhoDotOld = cTildeOld * rhoBar
    betaDot = -sTildeOld * betaDot + cTildeOld * betaHat
    tauTildeOld = (zetaOld - thetaTildeOld * tauTildeOld) / rhoTildeOld
    let tauDot = (zeta - thetaTilde * tauTildeOld) / rhoDotOld
    dampedResidual = hypotenuse(dampedResidual, betaCheck)
    residualNorm = hypotenuse(hypotenuse(dampedResidual, betaDot - tauDot), betaDoubleDot)
  }

  mutating func estimate(solutionNorm: Double) { self.solutionNorm = solutionNorm }

  /// SciPy's rules, in its order of precedence, multiplied out so that b = 0 needs no rule of its own.
  func stopReason(_ settings: LSMR, precision: Double, iterationLimit: Int) -> StopReason? {
    let scale = operatorNorm * solutionNorm
    let normalScale = operatorNorm * residualNorm
    if residualNorm <= settings.btol * bNorm + settings.atol * scale { return .residualTolerance }
    if normalResidualNorm <= settings.atol * normalScale { return .leastSquaresTolerance }
    if settings.conditionLimit > 0, condition >= settings.conditionLimit { return .conditionLimit }
    if residualNorm <= precision * (bNorm + scale) { return .residualPrecision }
    if normalResidualNorm <= precision * normalScale { return .leastSquaresPrecision }
    if 1 / condition <= precision { return .conditionPrecision }
    return iteration >= iterationLimit ? .iterationLimit : nil
  }
}

/// c, s and r with c·a + s·b = r and s·a − c·b = 0, stably (Choi 2006, as in SciPy's `_sym_ortho`).
private func rotation(_ a: Double, _ b: Double) -> (c: Double, s: Double, r: Double) {
  if b == 0 { return (a == 0 ? 0 : (a < 0 ? -1 : 1), 0, a.magnitude) }
  if a == 0 { return (0, b < 0 ? -1 : 1, b.magnitude) }
  if b.magnitude > a.magnitude {
    let tau = a / b
    let s = (b < 0 ? -1 : 1) / (1 + tau * tau).squareRoot()
    return (s * tau, s, b / s)
  }
  let tau = b / a
  let c = (a < 0 ? -1 : 1) / (1 + tau * tau).squareRoot()
  return (c, c * tau, a / c)
}
