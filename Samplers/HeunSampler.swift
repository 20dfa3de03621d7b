public import Torch

/// Heun's second-order steps along the probability-flow ODE, with or without churn.
///
/// Karras et al. (2022), *Elucidating the design space of diffusion-based generative models*, arXiv 2206.00364,
/// algorithm 2. With x in units of the data, xₜ/s(t), the ODE of every process is dx/dσ = (x − D(x; σ))/σ; it is this one
/// that is solved. The last step, to σ = 0, is Euler's. Without churn a sample is a function of the noise it starts from.
///
/// Costs 2N − 1 evaluations for N steps.
public struct HeunSampler: Sampler, Hashable {
  /// The number of steps N.
  public var steps: Int
  /// The spacing of the noise levels.
  public var schedule: NoiseSchedule
  /// The smallest noise level above 0; by default the smallest of the process's sampling range.
  public var sigmaMin: Double?
  /// The noise level to start from; by default the largest of the process's sampling range.
  public var sigmaMax: Double?
  /// How much noise is added, and removed again, over all steps: S_churn; 0 for the deterministic sampler.
  public var churn: Double
  /// The noise levels that have churn: S_min … S_max.
  public var churnRange: ClosedRange<Double>
  /// The standard deviation S_noise of the added noise: above 1 for denoisers that remove too much.
  public var churnNoise: Double

  /// Makes a sampler.
  ///
  /// Churn never raises the noise beyond the largest level of the process, which a model need not know.
  public init(
    steps: Int = 18, schedule: NoiseSchedule = .karras(), sigmaMin: Double? = nil, sigmaMax: Double? = nil,
    churn: Double = 0, churnRange: ClosedRange<Double> = 0...Double.infinity, churnNoise: Double = 1
  ) {
    self.steps = steps
    self.schedule = schedule
    self.sigmaMin = sigmaMin
    self.sigmaMax = sigmaMax
    self.churn = churn
    self.churnRange = churnRange
    self.churnNoise = churnNoise
  }

  /// N.
  public var stepCount: Int { steps }
  /// 2N − 1.
  public var evaluationCount: Int { 2 * steps - 1 }

  /// Checks the steps and the churn.
  public func validate() throws(SamplerError) {
    try require(steps > 0, "the Heun sampler needs at least 1 step, not \(steps)")
    try require(churn >= 0 && churn.isFinite, "the churn of the Heun sampler is at least 0, not \(churn)")
    try require(churnNoise >= 0 && churnNoise.isFinite, "the churn noise is at least 0, not \(churnNoise)")
  }

  /// Algorithm 2.
  public func sample(_ run: inout SamplingRun) throws -> Tensor {
    let t = try run.levels(steps, schedule, sigmaMin: sigmaMin, sigmaMax: sigmaMax)
    let largest = run.process.sigma(run.process.timeRange.upperBound)
    var x = t[0].sigma * run.noise()
    for (current, next) in zip(t, t.dropFirst()) {
      // Raise the noise for a moment.
      var (xHat, hat) = (x, current)
      let gamma = churnRange.contains(current.sigma) ? min(churn / Double(steps), 2.squareRoot() - 1) : 0
      let raised = min((1 + gamma) * current.sigma, largest)
      if raised > current.sigma {
        hat = NoiseLevel(sigma: raised, of: run.process)
        xHat += (raised * raised - current.sigma * current.sigma).squareRoot() * churnNoise * run.noise()
      }
      // Euler's step.
      let denoised = run.denoised(xHat, at: hat)
      let d = (xHat - denoised) / hat.sigma
      x = xHat + (next.sigma - hat.sigma) * d
      // Heun's correction.
      if next.sigma > 0 {
        let dNext = (x - run.denoised(x, at: next)) / next.sigma
        x = xHat + (next.sigma - hat.sigma) * (0.5 * d + 0.5 * dNext)
      }
      try run.finishStep(x * next.scale, at: next, denoised: denoised)
    }
    return x
  }
}
