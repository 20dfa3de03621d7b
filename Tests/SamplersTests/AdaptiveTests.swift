import Foundation
import Samplers
import ScoreModels
import TestSupport
import Testing
import Torch

/// The probability-flow ODE to a tolerance, and Langevin dynamics at one noise level.
@Suite struct AdaptiveTests {
  private static let seeds: [UInt64] = [1, 2, 3, 4]

  /// The end of the way of a normal distribution, denoised; see `ConvergenceTests`.
  private func exact(_ process: any DiffusionProcess) -> Tensor {
    var generators = SampleGenerators(seeds: Self.seeds)
    let (low, high) = (
      process.sigma(process.samplingRange.lowerBound), process.sigma(process.samplingRange.upperBound)
    )
    let start = high * generators.normal([2], dtype: .float64)
    let shrinkage = ((Normal.variances + low * low) / (Normal.variances + high * high)).sqrt()
    let denoising = Normal.variances / (Normal.variances + low * low)
    return Normal.mean + denoising * shrinkage * (start - Normal.mean)
  }

  @Test(arguments: processes, [1e-3, 1e-6, 1e-9])
  func theODEIsSolvedToItsTolerance(_ process: Named<any DiffusionProcess>, tolerance: Double) throws {
    let model = Normal.score(under: process.value)
    let ends = try [1, 7].map { parts in
      try ProbabilityFlowSampler(steps: parts, relativeTolerance: tolerance, absoluteTolerance: tolerance)
        .sample(from: model, process: process.value, shape: [2], seeds: Self.seeds)
    }
    for x in ends { expectClose(x, exact(process.value), rtol: 0, atol: 30 * tolerance) }
  }

  @Test func heunsSamplesApproachThoseOfTheODE() throws {
    let process = EDMProcess()
    let model = mixture(under: process)
    let x = try ProbabilityFlowSampler().sample(from: model, process: process, shape: [2], seeds: Self.seeds)
    func error(_ steps: Int) throws -> Double {
      let other = try HeunSampler(steps: steps).sample(from: model, process: process, shape: [2], seeds: Self.seeds)
      return (x - other).abs().max().item()
    }
    let (few, many) = (try error(40), try error(400))
    #expect(many < 2e-4 && many < 0.1 * few, "\(few) \(many)")
  }

  @Test func samplesOfTheODEDoNotDependOnTheirBatch() throws {
    let process = VariancePreserving()
    let model = mixture(under: process)
    let sampler = ProbabilityFlowSampler(steps: 3, relativeTolerance: 1e-4, absoluteTolerance: 1e-4)
    let all = try sampler.sample(from: model, process: process, shape: [2], seeds: Self.seeds)
    let one = try sampler.sample(from: model, process: process, shape: [2], seeds: [3])
    expectClose(one[0], all[2], rtol: 1e-12, atol: 1e-12)
  }

  @Test func theWayIsObservedAtFallingNoiseLevels() throws {
    let process = EDMProcess()
    var levels: [Double] = []
    _ = try ProbabilityFlowSampler(steps: 4, sigmaMin: 0.01, sigmaMax: 100).sample(
      from: Normal.score(under: EDMProcess(sigmaMax: 200)), process: EDMProcess(sigmaMax: 200), shape: [2], seeds: [1]
    ) { levels.append($0.sigma) }
    expectClose(Tensor(levels), Tensor([10, 1, 0.1, 0]), rtol: 1e-10, atol: 0)
    #expect(throws: SamplerError.self) {
      try ProbabilityFlowSampler(stepLimit: 2).sample(
        from: Normal.score(under: process), process: process, shape: [2], seeds: [1])
    }
  }

  /// At σ the chain's variance is that of the noisy data, (v + σ²)·(1 + O(η)), and denoising multiplies by v/(v + σ²).
  @Test func langevinHasTheDensityOfItsNoiseLevel() throws {
    let process = EDMProcess()
    let sampler = LangevinSampler(steps: 1500, stepSize: 0.02, sigma: 1, denoises: false)
    let x = try sampler.sample(
      from: Normal.score(under: process), process: process, shape: [2], seeds: (0..<4000).map { UInt64($0) })
    // x' = x + η·(D − x) + √(2η)·σ·z with D − x = −(x − μ)·σ²/(v + σ²): variance 2ησ²/(1 − (1 − ησ²/(v + σ²))²).
    let rate = 0.02 / (Normal.variances + 1)
    let variance = 0.04 / (1 - (1 - rate).square())
    expectMoments(x, mean: Normal.mean, covariance: diagonal(variance))
    let denoised = try LangevinSampler(steps: 1, stepSize: 0.02, sigma: 1).sample(
      from: Normal.score(under: process), process: process, shape: [2], seeds: [1])
    let before = try LangevinSampler(steps: 1, stepSize: 0.02, sigma: 1, denoises: false).sample(
      from: Normal.score(under: process), process: process, shape: [2], seeds: [1])
    let factor = Normal.variances / (Normal.variances + 1)
    expectClose(denoised, Normal.mean + factor * (before - Normal.mean), rtol: 1e-6, atol: 1e-6)
  }

  private func diagonal(_ values: Tensor) -> Tensor {
    let v: [Double] = values.elements()
    return Tensor([v[0], 0, 0, v[1]], shape: [2, 2])
  }
}
