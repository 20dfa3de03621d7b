public import Torch

/// Euler–Maruyama steps along the reverse-time SDE dx = (f(t)·x − g(t)²·∇ₓ log pₜ(x)) dt + g(t) dw̄.
///
/// Song et al. (2021), *Score-based generative modeling through stochastic differential equations*, arXiv 2011.13456,
/// equation 6. The last step replaces x by its denoised value. It needs hundreds of steps: with relative steps of h in σ
/// the error of moments is of order h.
///
/// Costs N evaluations for N steps.
public struct EulerMaruyamaSampler: Sampler, Hashable {
  /// The number of steps N.
  public var steps: Int
  /// The spacing of the noise levels.
  public var schedule: NoiseSchedule
  /// The smallest noise level above 0; by default the smallest of the process's sampling range.
  public var sigmaMin: Double?
  /// The noise level to start from; by default the largest of the process's sampling range.
  public var sigmaMax: Double?

  /// Makes a sampler.
  ///
  /// Song et al. take 1000 steps, uniform in time. That is the geometric schedule for `VarianceExploding`, which suits
  /// every process, as the drift's relative step is then the same everywhere.
  public init(
    steps: Int = 1000, schedule: NoiseSchedule = .geometric, sigmaMin: Double? = nil, sigmaMax: Double? = nil
  ) {
    self.steps = steps
    self.schedule = schedule
    self.sigmaMin = sigmaMin
    self.sigmaMax = sigmaMax
  }

  /// N.
  public var stepCount: Int { steps }

  /// x ← x + (f·x − g²·score)·Δt + g·√|Δt|·z with Δt < 0.
  public func sample(_ run: inout SamplingRun) throws -> Tensor {
    let t = try run.levels(steps, schedule, sigmaMin: sigmaMin, sigmaMax: sigmaMax)
    var x = t[0].scale * t[0].sigma * run.noise()
    for (current, next) in zip(t, t.dropFirst()) {
      let score = run.score(x, at: current)
      let denoised = run.denoised(x, score: score, at: current)
      if next.sigma > 0 {
        let dt = next.time - current.time
        let (f, g) = (run.process.drift(current.time), run.process.diffusion(current.time))
        x = x + dt * (f * x - g * g * score) + g * dt.magnitude.squareRoot() * run.noise()
      } else {
        x = denoised
      }
      try run.finishStep(x, at: next, denoised: denoised)
    }
    return x
  }
}
