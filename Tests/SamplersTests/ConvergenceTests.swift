import Foundation
import Samplers
import ScoreModels
import TestSupport
import Testing
import Torch

/// Solvers of the probability-flow ODE by order, for a number of steps.
private let solvers: [Named<(order: Double, make: @Sendable (Int, NoiseSchedule) -> any Sampler)>] = [
  Named("Euler", (1, { EulerSampler(steps: $0, schedule: $1) })),
  Named("DDIM", (1, { DDIMSampler(steps: $0, schedule: $1) })),
  Named("Heun", (2, { HeunSampler(steps: $0, schedule: $1) })),
  Named("DPM-Solver++ 2M", (2, { DPMSolverPlusPlus2M(steps: $0, schedule: $1) })),
]

/// Deterministic samplers on the ODE of a normal distribution, which is solved by
/// x(σ) = μ + (x(σ_max) − μ)·√((σ² + v)/(σ_max² + v)).
@Suite struct ConvergenceTests {
  static let processes: [Named<any DiffusionProcess>] = [
    Named("EDM", EDMProcess(sigmaMin: 0.01, sigmaMax: 10)), Named("VP", VariancePreserving()),
  ]
  static let schedules: [Named<NoiseSchedule>] = [
    Named("Karras", .karras()), Named("geometric", .geometric),
  ]

  /// The worst error of a few samples.
  private func error(of sampler: any Sampler, _ process: any DiffusionProcess) throws -> Double {
    let seeds: [UInt64] = [1, 2, 3, 4]
    let x = try sampler.sample(from: Normal.score(under: process), process: process, shape: [2], seeds: seeds)
    var generators = SampleGenerators(seeds: seeds)
    let (low, high) = (
      process.sigma(process.samplingRange.lowerBound), process.sigma(process.samplingRange.upperBound)
    )
    let start = high * generators.normal([2], dtype: .float64)
    let shrinkage = ((Normal.variances + low * low) / (Normal.variances + high * high)).sqrt()
    // The last step to the data denoises: E[x₀ | x] = μ + v/(v + σ²)·(x − μ).
    let denoising = Normal.variances / (Normal.variances + low * low)
    let exact = Normal.mean + denoising * shrinkage * (start - Normal.mean)
    return (x - exact).abs().max().item()
  }

  @Test(arguments: solvers, processes)
  func errorsFallWithTheOrderOfTheMethod(
    _ solver: Named<(order: Double, make: @Sendable (Int, NoiseSchedule) -> any Sampler)>,
    _ process: Named<any DiffusionProcess>
  ) throws {
    for schedule in Self.schedules {
      try expectConvergence(
        of: solver.value.make(18, schedule.value), order: solver.value.order, process: process.value)
    }
  }

  /// With its curvature in full; the start, a step of first order, leaves an error of second order with a small factor.
  @Test(arguments: processes) func threeDenoisedValuesAreBetterThanTwo(_ process: Named<any DiffusionProcess>) throws {
    for (steps, factor) in [(30, 0.4), (60, 0.15)] {
      let two = try error(of: DPMSolverPlusPlus2M(steps: steps, schedule: .geometric), process.value)
      let (half, three) = (
        try error(of: DPMSolverPlusPlus3M(steps: steps, schedule: .geometric), process.value),
        try error(
          of: DPMSolverPlusPlus3M(steps: steps, curvatureFactor: 2).with(schedule: .geometric), process.value)
      )
      #expect(three < factor * two && three < half && half < two, "\(steps): \(two), \(half), \(three)")
    }
  }

  /// A denoiser that is a parabola in λ = −log σ, for which each step after the second is exact:
  /// ∫₀ʰ e^(s−h)·(λ + s)² ds by hand.
  @Test func stepsThroughThreeValuesIntegrateParabolas() throws {
    struct Parabola: ScoreModel {
      func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
        let lambda = -t.log().broadcastable(toRank: x.rank)
        return (lambda * lambda - x) / (t * t).broadcastable(toRank: x.rank)
      }
    }
    let sigmas = [5, 3, 1.5, 0.6, 0.5]
    var states: [Double] = []
    _ = try DPMSolverPlusPlus3M(steps: 5, curvatureFactor: 2).with(schedule: .explicit(sigmas)).sample(
      from: Parabola(), process: EDMProcess(), shape: [1], seeds: [1]
    ) { states.append($0.x.item()) }
    for i in [2, 3] {
      let (from, h) = (-log(sigmas[i]), log(sigmas[i] / sigmas[i + 1]))
      let to = from + h
      // An antiderivative of e^s·(λ + s)² is e^s·((λ + s)² − 2(λ + s) + 2).
      let integral = (to * to - 2 * to + 2) - exp(-h) * (from * from - 2 * from + 2)
      expectClose(states[i], exp(-h) * states[i - 1] + integral, rtol: 1e-12, atol: 1e-12)
    }
  }

  @Test func aSingleStepDenoisesTheNoise() throws {
    let process = EDMProcess()
    let model = mixture(under: process)
    var generators = SampleGenerators(seeds: [5, 6])
    let noise = 80 * generators.normal([2], dtype: .float64)
    let denoised = model.denoised(noise, at: .full([2], 80, dtype: .float64), process: process)
    for sampler in [
      EulerSampler(steps: 1), HeunSampler(steps: 1), DPMSolverPlusPlus2M(steps: 1), DPMSolverPlusPlus3M(steps: 1),
      DPMSolverPlusPlus2M(steps: 1, eta: 1), DPMSolverPlusPlus3M(steps: 1, eta: 1), DDIMSampler(steps: 1, eta: 1),
    ] as [any Sampler] {
      expectClose(
        try sampler.sample(from: model, process: process, shape: [2], seeds: [5, 6]), denoised, rtol: 1e-10,
        atol: 1e-10)
    }
  }

  @Test func heunStepsAreThoseOfTheAlgorithmBox() throws {
    // Two steps from σ = 2 to 0.5 to 0 on data of variance v = 1 and mean 0, D = x/(1 + σ²), by hand:
    // d = x·(1 − 1/5)/2 = 0.4x, Euler to 0.5: 0.4x, d′ = 0.4x·(1 − 1/1.25)/0.5 = 0.16x, so x − 1.5·0.28x = 0.58x;
    // Euler to 0 is D = 0.58x/1.25 = 0.464x.
    let process = EDMProcess()
    let model = GaussianMixtureScore(
      weights: [1], means: Tensor([0.0], shape: [1, 1]), covariances: Tensor([1.0]), process: process)
    var generators = SampleGenerators(seeds: [9])
    let x = 2 * generators.normal([1], dtype: .float64)
    let sample = try HeunSampler(steps: 2, sigmaMin: 0.5, sigmaMax: 2).sample(
      from: model, process: process, shape: [1], seeds: [9])
    expectClose(sample, 0.464 * x, rtol: 1e-12, atol: 0)
  }
}
