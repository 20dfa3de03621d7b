public import Torch

/// The answer of a least-squares solver, and its quality.
///
/// With Ā = (A; δI) and b̄ = (b; δ·x₀), the problem is min ‖Ā·x − b̄‖.
public struct LeastSquaresSolution {
  /// The solution `[columns]`.
  public var x: Tensor
  /// b − A·x `[rows]`, computed from x, except by LSMR without `checksSolution`.
  public let residual: Tensor
  /// Why the solver stopped.
  public let stopReason: StopReason
  /// The number of iterations; 0 for a direct solution.
  public let iterations: Int
  /// ‖Ā·x − b̄‖₂ of that residual.
  public let residualNorm: Double
  /// ‖Āᵀ·(Ā·x − b̄)‖₂, which is 0 for an exact solution; LSMR without `checksSolution` gives the value of its recurrences.
  public let normalResidualNorm: Double
  /// δ of the problem.
  public let damping: Double
  /// An estimate of ‖Ā‖.
  ///
  /// A direct solver gives the Frobenius norm. LSMR gives the norm of its bidiagonal matrix, which approaches the Frobenius norm from
  /// below while its vectors are orthogonal, and may exceed it afterwards.
  public let operatorNorm: Double
  /// An estimate of the condition number of Ā, on the part of its range that b reaches.
  ///
  /// The estimate of LSMR is the one of its stopping rule, and can be far too low. `spectrum.condition` costs more and is better.
  public let condition: Double
  /// Whether b is in the range of A to within the tolerances; the residual then counts as 0.
  public let isConsistent: Bool
  /// The singular values of the operator, as far as the solver has found them.
  public let spectrum: Spectrum
  /// The residual norms of LSMR's recurrences, which its stopping rules used; `nil` for a direct solution.
  public let recurrences: (residualNorm: Double, normalResidualNorm: Double)?
  /// λ `[rows]` with x = x₀ + Aᵀ·λ, the Lagrange multipliers of A·x = b in the minimisation of ½‖x − x₀‖²; `nil` unless the solver
  /// tracks them.
  ///
  /// From the starting point Aᵀ·λ of a similar problem, a solve still finds the solution of least norm. For an ill-conditioned A, x is
  /// more accurate than x₀ + Aᵀ·λ.
  public let multipliers: Tensor?

  /// ‖x‖₂ of the solution.
  public var solutionNorm: Double { x.norm() }

  /// The reasons not to trust the answer; empty if there are none.
  ///
  /// - Complexity: the cost of `spectrum.singularValues`.
  public var warnings: [LeastSquaresWarning] {
    var warnings: [LeastSquaresWarning] = []
    if !stopReason.isConverged { warnings.append(.notConverged(stopReason, iterations: iterations)) }
    // A condition number above 1/√ε costs half the digits.
    let limit = 1 / x.dtype.ulpOfOne.squareRoot()
    let estimate = max(condition, spectrum.condition(damping: damping))
    if estimate > limit { warnings.append(.illConditioned(condition: estimate)) }
    if let rank = spectrum.exactRank, rank < spectrum.fullRank {
      warnings.append(.rankDeficient(rank: rank, fullRank: spectrum.fullRank))
    }
    return warnings
  }

  /// This solution, if the solver converged.
  ///
  /// - Throws: `LeastSquaresWarning.notConverged` if the solver stopped early.
  public func converged() throws -> LeastSquaresSolution {
    if !stopReason.isConverged { throw LeastSquaresWarning.notConverged(stopReason, iterations: iterations) }
    return self
  }
}
