import Foundation
import ScoreKit

/// Gaussian-process regression y = Φ·diag(s)·u + noise with u ~ N(0, I), by least squares.
///
/// With A = Φ·diag(s) the covariance of the data is A·Aᵀ + δ²·I. A point with features φ has c = φ·s, and
///
///     λ = LstSq(Aᵀ, c, δ) = (A·Aᵀ + δ²·I)⁻¹·A·c,   mean = ⟨λ, y⟩,   variance = ⟨c, c − Aᵀ·λ⟩ + δ²,
///
/// so that one damped solve, for all points together, gives both moments: Rasmussen & Williams (2006), *Gaussian processes for
/// machine learning*, eq. 2.25 and 2.26.
struct GaussianProcess {
  /// Φ `[data, features]`.
  let features: Tensor
  /// y `[data]`.
  let values: Tensor

  struct Prediction {
    let mean: Tensor
    let variance: Tensor
    let solution: LeastSquaresSolution
  }

  /// The moments of new observations at points with features `[points, features]`; recorded in the hyperparameters.
  func predict(_ points: Tensor, _ logarithms: Tensor, solver: any LeastSquaresSolver) throws -> Prediction {
    let (data, width, count) = (features.size(0), features.size(1), points.size(0))
    let phi = features
    let delta = Features.noise(logarithms)
    // λ and c for all points are matrices with a column for each point: products are products of matrices.
    let adjoint = FunctionOperator(
      rows: width * count, columns: data * count, parameters: [Features.scales(logarithms).expandingDimension(at: 1)],
      productCost: Double(data * width * count),
      adjoint: { c, s in phi.matmul(c.reshaped(width, count) * s[0]).flattened() }
    ) { lambda, s in (phi.transposed().matmul(lambda.reshaped(data, count)) * s[0]).flattened() }
    let c = (points * Features.scales(logarithms)).transposed()
    let solution = try leastSquares(adjoint, c.flattened(), damping: delta, solver: solver).converged()
    let lambda = solution.x
    let rest = c - (try adjoint.apply(lambda)).reshaped(width, count)
    return Prediction(
      mean: values.matmul(lambda.reshaped(data, count)), variance: (c * rest).sum(0) + delta.square(),
      solution: solution)
  }

  /// −log p(y), by a Cholesky decomposition of the covariance.
  func negativeLogMarginalLikelihood(_ logarithms: Tensor) throws -> Tensor {
    let a = features * Features.scales(logarithms)
    let identity = Tensor.identity(values.elementCount, dtype: .float64)
    let factor = try (a.matmul(a.transposed()) + identity * Features.noise(logarithms).square()).choleskyFactor()
    let half = factor.solvingLowerTriangular(values.expandingDimension(at: 1))
    return half.square().sum() * 0.5 + factor.diagonal().log().sum()
      + 0.5 * Double(values.elementCount) * Foundation.log(2 * Double.pi)
  }
}

/// The mean over points of −log p(y*) where y* − mean has the given values: the negative log predictive density.
func negativeLogDensity(of errors: Tensor, _ variance: Tensor) -> Tensor {
  ((errors.square() / variance + (variance * (2 * Double.pi)).log()) * 0.5).mean()
}
