public import ScoreModels
internal import Torch

/// Mixtures of normal distributions under several processes, whose scores, energies and densities are known.
public enum Mixtures {
  public static let processes: [any DiffusionProcess] = [
    EDMProcess(), VarianceExploding(), VariancePreserving(), SubVariancePreserving(),
  ]

  /// Three components in 3 dimensions with full covariances B·Bᵀ.
  public static func mixture(_ process: any DiffusionProcess) -> GaussianMixtureScore {
    var generator = RandomGenerator(seed: 21, purpose: .data)
    let factors = generator.normal([3, 3, 3], dtype: .float64) * 0.7
    return GaussianMixtureScore(
      weights: [2, 1, 1], means: generator.normal([3, 3], dtype: .float64) * 2,
      covariances: factors.matmul(factors.transposed()), process: process)
  }
}
