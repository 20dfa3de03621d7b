import ScoreKit

/// LSMR in recorded operations, to be differentiated iteration by iteration: what `leastSquares` is compared with.
///
/// The recurrences are those of `LSMR` (Fong & Saunders 2011, arXiv 1006.0758), their scalars tensors. Only what x depends on is
/// computed: no estimates and no stopping rules.
struct UnrolledLSMR {
  let iterations: Int

  /// x after so many iterations from 0, recorded.
  func solve(_ a: any LinearOperator, _ b: Tensor, damping: Double) throws -> Tensor {
    let theta = a.parameters
    var beta = norm(b)
    var u = b / beta
    var v = try a.applyAdjoint(u, theta)
    var alpha = norm(v)
    v = v / alpha
    var (h, x, hBar) = (v, Tensor.zeros(like: v), Tensor.zeros(like: v))
    var (alphaBar, zetaBar) = (alpha, alpha * beta)
    let one = Tensor.ones(like: alpha.detached())
    var (rho, rhoBar, cBar, sBar) = (one, one, one, one - one)
    for _ in 0..<iterations {
      u = try a.apply(v, theta) - alpha * u
      beta = norm(u)
      u = u / beta
      v = try a.applyAdjoint(u, theta) - beta * v
      alpha = norm(v)
      v = v / alpha

      let alphaHat = damping > 0 ? (alphaBar.square() + damping * damping).sqrt() : alphaBar
      let (rhoOld, rhoBarOld) = (rho, rhoBar)
      rho = (alphaHat.square() + beta.square()).sqrt()
      let thetaNew = beta / rho * alpha
      alphaBar = alphaHat / rho * alpha

      let thetaBar = sBar * rho
      let rhoTemporary = cBar * rho
      rhoBar = (rhoTemporary.square() + thetaNew.square()).sqrt()
      cBar = rhoTemporary / rhoBar
      sBar = thetaNew / rhoBar
      let zeta = cBar * zetaBar
      zetaBar = -(sBar * zetaBar)

      hBar = h - thetaBar * rho / (rhoOld * rhoBarOld) * hBar
      x = x + zeta / (rho * rhoBar) * hBar
      h = v - thetaNew / rho * h
    }
    return x
  }

  private func norm(_ vector: Tensor) -> Tensor { vector.matmul(vector).sqrt() }
}
