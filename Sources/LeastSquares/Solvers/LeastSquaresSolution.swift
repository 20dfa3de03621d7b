public import Torch

/// The answer of a least-squares solver, and how good it is.
///
/// With Ā = (A; δI) and b̄ = (b; δ·x₀), the problem is min ‖Ā·x − b̄‖.
public struct LeastSquaresSolution {
  /// The solution `[columns]`.
  public var x: Tensor
  /// b − A·x `[rows]`, computed from x.
  public let residual: Tensor
  /// Why the solver stopped.
  public let stopReason: StopReason
  /// The number of iterations; 0 for a direct solution.
  public let iterations: Int
  /// ‖Ā·x − b̄‖₂, computed from x.
  public let residualNorm: Double
  /// ‖Āᵀ·(Ā·x − b̄)‖₂, computed from x: 0 for an exact solution.
  public let normalResidualNorm: Double
  /// δ.
  public let damping: Double
  /// An estimate of ‖Ā‖: directly the Frobenius norm; by LSMR the norm of its bidiagonal matrix, which approaches the Frobenius
  /// norm from below while its vectors are orthogonal, and may exceed it afterwards.
  public let operatorNorm: Double
  /// An estimate of the condition number of Ā, on the part of its range that b reaches.
  ///
  /// LSMR's is what stops it, and can be far too low; `spectrum.condition` costs more and sees more.
  public let condition: Double
  /// Whether b is in the range of A to within the tolerances, so that the residual counts as 0.
  public let isConsistent: Bool
  /// What the solver found out about the operator's singular values.
  public let spectrum: Spectrum
  /// The residual norms by LSMR's recurrences, which the stopping rules used; `nil` for a direct solution.
  public let recurrences: (residualNorm: Double, normalResidualNorm: Double)?
  /// λ `[rows]` with x = x₀ + Aᵀ·λ, where the solver was asked to keep track of it: the Lagrange multipliers of A·x = b in the
  /// minimisation of ½‖x − x₀‖².
  ///
  /// x₀ = Aᵀ·λ of a similar problem is a starting point from which the solution is still that of least norm. In the sum rounding
  /// errors of λ may cancel: x is more accurate than x₀ + Aᵀ·λ for an ill-conditioned A.
  public let multipliers: Tensor?

  /// ‖x‖₂.
  public var solutionNorm: Double { x.norm() }

  /// Why the answer is not to be trusted; empty if nothing speaks against it.
  ///
  /// - Complexity: that of `spectrum.singularValues`.
  public var warnings: [LeastSquaresWarning] {
    var warnings: [LeastSquaresWarning] = []
    if !stopReason.isConverged { warnings.append(.notConverged(stopReason, iterations: iterations)) }
    // Half the digits are gone where the condition number exceeds 1/√ε.
    let limit = 1 / x.dtype.ulpOfOne.squareRoot()
    let estimate = max(condition, spectrum.condition(damping: damping))
    if estimate > limit { warnings.append(.illConditioned(condition: estimate)) }
    if let rank = spectrum.exactRank, rank < spectrum.fullRank {
      warnings.append(.rankDeficient(rank: rank, fullRank: spectrum.fullRank))
    }
    return warnings
  }

  /// Returns the solution, or throws the first warning that says it is not one.
  ///
  /// - Throws: `LeastSquaresWarning.notConverged`.
  public func converged() throws -> LeastSquaresSolution {
    if !stopReason.isConverged { throw LeastSquaresWarning.notConverged(stopReason, iterations: iterations) }
    return self
  }
}
