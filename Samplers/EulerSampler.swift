public import Torch

/// Euler's first-order steps along the probability-flow ODE.
///
/// With x in units of the data, the ODE of every process is dx/dσ = (x − D(x; σ))/σ (Karras et al. 2022, arXiv 2206.00364,
/// equation 1). A step from σᵢ to σᵢ₊₁ is
///
///     d = (x − D(x; σᵢ))/σᵢ
///     x ← x + (σᵢ₊₁ − σᵢ)·d
///
/// A sample is a function of the noise it starts from.
///
/// Costs N evaluations for N steps.
public struct EulerSampler: DiscretizedSampler, Hashable {
  /// 50 levels of Karras et al.
  public static let defaultDiscretization = Discretization(steps: 50, schedule: .karras())

  /// The noise levels that the sampler steps through.
  public var discretization = Self.defaultDiscretization

  /// Makes a sampler with the default settings.
  public init() {}

  /// N steps.
  public func sample(_ run: inout SamplingRun) throws -> Tensor {
    let levels = try run.levels(discretization)
    var x = levels[0].sigma * run.noise()
    for (current, next) in zip(levels, levels.dropFirst()) {
      let denoised = run.denoised(unscaled: x, at: current)
      let d = (x - denoised) / current.sigma
      x = x + (next.sigma - current.sigma) * d
      try run.finishStep(unscaled: x, at: next, denoised: denoised)
    }
    return x
  }
}
