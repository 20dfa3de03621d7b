import ScoreKit

/// Midpoint steps along the probability-flow ODE dx/dσ = (x − D(x; σ))/σ: second order, 2N − 1 evaluations for N steps.
struct MidpointSampler: DiscretizedSampler, Hashable {
  static let defaultDiscretization = Discretization(steps: 18, schedule: .karras())

  var discretization = Self.defaultDiscretization
  /// Where between the ends of a step the slope is taken, in (0, 1].
  var position = 0.5

  var evaluationCount: Int { 2 * steps - 1 }

  func sample(_ run: inout SamplingRun) throws -> Tensor {
    let levels = try run.levels(discretization)
    var x = levels[0].sigma * run.noise()
    for (current, next) in zip(levels, levels.dropFirst()) {
      let denoised = run.denoised(unscaled: x, at: current)
      if next.sigma == 0 {
        x = denoised
      } else {
        let middle = NoiseLevel(sigma: current.sigma + position * (next.sigma - current.sigma), of: run.process)
        let half = x + (middle.sigma - current.sigma) * (x - denoised) / current.sigma
        let slope = (half - run.denoised(unscaled: half, at: middle)) / middle.sigma
        x = x + (next.sigma - current.sigma) * slope
      }
      try run.finishStep(unscaled: x, at: next, denoised: denoised)
    }
    return x
  }
}
