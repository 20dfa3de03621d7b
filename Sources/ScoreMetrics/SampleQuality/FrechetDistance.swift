internal import Files
public import Torch

/// The Fréchet distance between the normal distributions with the means and covariances of two sets of features.
///
/// d² = ‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2(Σ₁Σ₂)^½), as in Heusel et al. (2017), *GANs trained by a two time-scale update
/// rule*, arXiv 1706.08500, who use features of the Inception network. Distances in different features cannot be
/// compared with each other.
///
/// With few samples the distance is too large, because their means and covariances scatter. Compare it with the
/// distance between two sets of real data of the same sizes.
public enum FrechetDistance {
  /// d² between the rows of `[n, d]` and `[m, d]`.
  ///
  /// The trace of the root is the sum of the singular values of L₁ᵀL₂ for Σ = LLᵀ, so no root of a matrix that is not
  /// symmetric is needed.
  ///
  /// - Precondition: both sets have at least 2 rows, of the same length.
  /// - Throws: `EngineError` if a feature is not finite.
  /// - Complexity: O((n + m)·d² + d³).
  public static func squared(_ x: Tensor, _ y: Tensor) throws -> Double {
    let (first, second) = (try Moments(x), try Moments(y))
    demand(x.size(1) == y.size(1), "features of lengths \(x.size(1)) and \(y.size(1)) cannot be compared")
    let between = (first.mean - second.mean).square().sum().item()
    let overlap = try first.factor.transposed().matmul(second.factor).singularValueDecomposition().s.sum().item()
    return max(0, between + first.trace + second.trace - 2 * overlap)
  }

  /// Mean and covariance of a set.
  private struct Moments {
    let mean: Tensor
    /// tr Σ.
    let trace: Double
    /// L with Σ = LLᵀ, `[d, d]`.
    let factor: Tensor

    init(_ rows: Tensor) throws {
      demand(rows.rank == 2 && rows.size(0) > 1, "a covariance needs 2 or more rows, not the shape \(rows.shape)")
      let rows = rows.to(.cpu).to(.float64)
      mean = rows.mean(0)
      let centered = rows - mean
      let covariance = centered.transposed().matmul(centered) / Double(rows.size(0) - 1)
      let (u, s, _) = try covariance.singularValueDecomposition()
      trace = s.sum().item()
      factor = u * s.clamped(to: 0...Double.greatestFiniteMagnitude).sqrt()
    }
  }
}
