internal import ScoreModels
public import Torch

/// Euler–Maruyama steps along the reverse-time SDE dx = (f(t)·x − g(t)²·∇ₓ log pₜ(x)) dt + g(t) dw̄.
///
/// Song et al. (2021), *Score-based generative modeling through stochastic differential equations*, arXiv 2011.13456,
/// equation 6. With Δt < 0 and x scaled, a step is
///
///     x ← x + Δt·(f·x − g²·score) + g·√|Δt|·z
///
/// The last step replaces x by its denoised value. The method needs hundreds of steps: with relative steps of h in σ the
/// error of moments is of order h.
///
/// Costs N evaluations for N steps.
public struct EulerMaruyamaSampler: DiscretizedSampler, Hashable {
  /// 500 levels of equal ratios.
  ///
  /// Song et al. take 1000 steps, uniform in time, which are equal ratios for `VarianceExploding`. Equal ratios suit every
  /// process, as the relative step of the drift is then the same everywhere.
  public static let defaultDiscretization = Discretization(steps: 500, schedule: .geometric)

  /// The noise levels that the sampler steps through.
  public var discretization = Self.defaultDiscretization

  /// Makes a sampler with the default settings.
  public init() {}

  /// N − 1 steps of the SDE, and one to the data.
  public func sample(_ run: inout SamplingRun) throws -> Tensor {
    let levels = try run.levels(discretization)
    var x = levels[0].scale * levels[0].sigma * run.noise()
    for (current, next) in zip(levels, levels.dropFirst()) {
      let score = run.score(scaled: x, at: current)
      let denoised = run.denoised(scaled: x, score: score, at: current)
      if next.sigma > 0 {
        let dt = next.time - current.time
        let (f, g) = (run.process.drift(current.time), run.process.diffusion(current.time))
        x = x + dt * (f * x - g * g * score) + g * dt.magnitude.squareRoot() * run.noise()
      } else {
        x = denoised
      }
      try run.finishStep(scaled: x, at: next, denoised: denoised)
    }
    return x
  }
}
