import Foundation
import Samplers
import ScoreMetrics
import ScoreModels
import TestSupport
import Testing
import Torch

private let likelihoodProcesses: [Named<any DiffusionProcess>] = [
  Named("EDM", EDMProcess()), Named("VE", VarianceExploding(sigmaMax: 80)), Named("VP", VariancePreserving()),
  Named("sub-VP", SubVariancePreserving()), Named("custom", WideProcess()),
]

/// A process with a scale and a noise level of its own, whose inverse is found by bisection.
private struct WideProcess: DiffusionProcess {
  func scale(_ t: Tensor) -> Tensor { (t * 0.7 + 1).reciprocal() }
  func sigma(_ t: Tensor) -> Tensor { (t * 3).exp() * t }
  var timeRange: ClosedRange<Double> { 1e-3...1.5 }
}

/// A mixture of mean 0 with correlated components.
private func centredMixture(dimension d: Int, _ process: any DiffusionProcess) -> GaussianMixtureScore {
  var generator = RandomGenerator(seed: UInt64(d))
  let offset = generator.normal([1, d], dtype: .float64) * 0.7
  let factors = generator.normal([2, d, d], dtype: .float64) * 0.3
  let covariances = factors.matmul(factors.transposed()) + 0.2 * Tensor.identity(d, dtype: .float64)
  return GaussianMixtureScore(
    weights: [1, 2], means: .concatenate([offset * 2, -offset]), covariances: covariances, process: process)
}

/// log p of x̂ = x/s at the lower end of the process's time range.
private func exactLogDensity(_ x: Tensor, _ model: GaussianMixtureScore, condition: Tensor? = nil) -> Tensor {
  let time = model.process.timeRange.lowerBound
  let scale = model.process.scale(time)
  return model.logDensity(
    x * scale, at: .full([x.size(0)], time, dtype: .float64), condition: condition) + Double(model.dimension)
    * log(scale)
}

@Suite struct LikelihoodTests {
  @Test(arguments: likelihoodProcesses, [1, 2, 5])
  func logDensitiesOfMixturesAreExact(_ process: Named<any DiffusionProcess>, _ dimension: Int) throws {
    let model = centredMixture(dimension: dimension, process.value)
    var generator = RandomGenerator(seed: 3)
    let x = model.draw(40, using: &generator)
    let likelihood = ProbabilityFlowLikelihood(relativeTolerance: 1e-7, absoluteTolerance: 1e-7)
    let result = try likelihood.logDensities(of: x, under: model, process: process.value)
    // What is left is the end of the path, which is not exactly normal.
    expectClose(Tensor(result.logDensities), exactLogDensity(x, model), rtol: 0, atol: 1e-3)
    let defaults = try ProbabilityFlowLikelihood().logDensities(of: x, under: model, process: process.value)
    #expect(defaults.logDensities.count == 40)
    let errors = zip(defaults.logDensities, result.logDensities).map { abs($0 - $1) }
    #expect(errors.allSatisfy { $0 < 0.05 } && errors.reduce(0, +) / 40 < 3e-3, "\(errors)")
    #expect(defaults.evaluations.allSatisfy { $0 < 400 }, "\(defaults.evaluations)")
  }

  /// For normal data the ODE is linear, so what the assumption about the end of the path costs is known.
  @Test(arguments: [0.5, 1, 3])
  func theEndOfThePathIsTakenToBeStandardNormal(_ sigmaData: Double) throws {
    let (mean, variance, low, high) = (0.8, 0.3, 0.01, 5.0)
    let process = EDMProcess(sigmaMin: low, sigmaMax: high)
    let model = GaussianMixtureScore(
      weights: [1], means: Tensor([mean], shape: [1, 1]), covariances: Tensor([variance]), process: process)
    func logNormal(_ x: Tensor, _ mean: Double, _ variance: Double) -> Tensor {
      (x - mean).square() / (-2 * variance) - 0.5 * log(2 * Double.pi * variance)
    }
    let x = Tensor.linspace(-2, 3, count: 11, dtype: .float64)
    let (first, last) = (variance + low * low, variance + high * high)
    let end = (x - mean) * (last / first).squareRoot() + mean
    let expected =
      logNormal(x, mean, first) - logNormal(end, mean, last) + logNormal(end, 0, high * high + sigmaData * sigmaData)
    let result = try ProbabilityFlowLikelihood(
      relativeTolerance: 1e-8, absoluteTolerance: 1e-8, sigmaData: sigmaData
    ).logDensities(of: x.reshaped(11, 1), under: model, process: process)
    expectClose(Tensor(result.logDensities), expected, rtol: 0, atol: 1e-6)
    expectClose(
      result.latents.flattened(), end / (high * high + sigmaData * sigmaData).squareRoot(), rtol: 0, atol: 1e-6)
  }

  /// A flow of any field has a density, also that of a network that learned nothing.
  @Test func densitiesOfAnyScoreIntegrateToOne() throws {
    let process = EDMProcess(sigmaMin: 0.05, sigmaMax: 20)
    let model = network(shape: [1], process: process)
    let x = Tensor.linspace(-12, 12, count: 1201, dtype: .float64)
    let result = try ProbabilityFlowLikelihood().logDensities(
      of: x.reshaped(1201, 1), under: model, process: process)
    let density = Tensor(result.logDensities).exp()
    expectClose(density.sum().item() * 0.02, 1, rtol: 0, atol: 2e-3)
    #expect((density - density.flipped(0)).abs().max().item() > 0.02, "the density is that of a symmetric model")
  }

  @Test func smallerTolerancesGiveSmallerErrors() throws {
    let process = EDMProcess()
    let model = centredMixture(dimension: 2, process)
    var generator = RandomGenerator(seed: 3)
    let x = model.draw(20, using: &generator)
    func values(_ tolerance: Double) throws -> (logDensities: Tensor, evaluations: Int) {
      let result = try ProbabilityFlowLikelihood(relativeTolerance: tolerance, absoluteTolerance: tolerance)
        .logDensities(of: x, under: model, process: process)
      return (Tensor(result.logDensities), result.evaluations.reduce(0, +))
    }
    let reference = try values(1e-9)
    let errors = try [1e-2, 1e-4, 1e-6].map { try (values($0).logDensities - reference.logDensities).norm() }
    #expect(errors[1] < 0.2 * errors[0] && errors[2] < 0.2 * errors[1], "\(errors)")
    #expect(try values(1e-2).evaluations < values(1e-4).evaluations)
  }

  @Test func probesAreUnbiasedAndMoreOfThemScatterLess() throws {
    let process = VariancePreserving()
    let model = centredMixture(dimension: 5, process)
    let count = 400
    let x = Tensor.linspace(-1, 1, count: 5, dtype: .float64).expanded(to: [count, 5])
    func values(_ divergence: Divergence) throws -> Tensor {
      Tensor(
        try ProbabilityFlowLikelihood(divergence: divergence)
          .logDensities(of: x, under: model, process: process).logDensities)
    }
    let exact = try values(.exact)[0].item()
    let (one, four) = (try values(.probes(1)), try values(.probes(4)))
    for (name, sample) in [("one", one), ("four", four)] {
      let standardError = (sample.variance(0).item() / Double(count)).squareRoot()
      #expect(standardError > 1e-3)
      #expect(abs(sample.mean().item() - exact) < 4 * standardError, "\(name): \(sample.mean().item()), not \(exact)")
    }
    let ratio = one.variance(0).item() / four.variance(0).item()
    #expect((2.5...6).contains(ratio), "the variance fell by \(ratio) instead of 4")
  }

  @Test(arguments: [true, false])
  func valuesDependOnTheirOwnSeedAndExampleAlone(_ isEnergy: Bool) throws {
    let process = VariancePreserving()
    let model = FixedBatchScore(network(shape: [1, 4, 6], process: process, isEnergy: isEnergy), batchSize: 16)
    var generator = RandomGenerator(seed: 5)
    let x = generator.normal([9, 1, 4, 6])
    let seeds = (0..<9).map { UInt64($0 * 7) }
    let labels = Tensor([0, 1, 2, 0, 1, 2, 0, 1, 2])
    func values(_ positions: [Int], seeds: [UInt64]) throws -> [Double] {
      try ProbabilityFlowLikelihood(divergence: .probes(2)).logDensities(
        of: x.gathering(positions), under: model, process: process, condition: labels.gathering(positions),
        seeds: seeds
      ).logDensities
    }
    let all = try values(Array(0..<9), seeds: seeds)
    #expect(try values(Array(0..<9), seeds: seeds) == all)
    for part in [[0], [3, 8], [8, 7, 6, 5, 4]] {
      #expect(try values(part, seeds: part.map { seeds[$0] }) == part.map { all[$0] })
    }
    #expect(try values([2], seeds: [99]) != [all[2]])
    #expect(gradientsAreRecorded)
  }

  @Test func aConditionIsPassedOn() throws {
    let process = EDMProcess()
    let model = mixture(under: process)
    let x = Tensor([-0.5, -1.0, 0.2, 0.1], shape: [2, 2])
    let labels = Tensor([2, 0])
    let likelihood = ProbabilityFlowLikelihood(relativeTolerance: 1e-6, absoluteTolerance: 1e-6)
    let result = try likelihood.logDensities(of: x, under: model, process: process, condition: labels)
    // The components' means are not 0: terms of the order of ‖μ‖/σ_max.
    expectClose(
      Tensor(result.logDensities), exactLogDensity(x, model, condition: labels), rtol: 0, atol: 0.1)
    let other = try likelihood.logDensities(of: x, under: model, process: process)
    #expect(abs(other.logDensities[0] - result.logDensities[0]) > 0.5)
  }

  @Test func settingsThatMakeNoSenseAreRefused() {
    let process = EDMProcess()
    let model = CountingScore(counter: Counter())
    func expect(
      _ word: String, _ change: (inout ProbabilityFlowLikelihood) -> Void = { _ in }, examples: Tensor = .ones([3, 2]),
      condition: Tensor? = nil, seeds: [UInt64]? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) {
      var likelihood = ProbabilityFlowLikelihood()
      change(&likelihood)
      let error = #expect(throws: SamplerError.self, sourceLocation: sourceLocation) {
        _ = try likelihood.logDensities(
          of: examples, under: model, process: process, condition: condition, seeds: seeds)
      }
      #expect(
        error?.description.contains(word) == true, "\(String(describing: error))", sourceLocation: sourceLocation)
    }
    expect("relative tolerance") { $0.relativeTolerance = 0 }
    expect("absolute tolerance") { $0.absoluteTolerance = .nan }
    expect("σ_d") { $0.sigmaData = -1 }
    expect("probe") { $0.divergence = .probes(0) }
    expect("beyond") { $0.sigmaMax = 1e6 }
    expect("σ_min < σ_max") { $0.sigmaMin = 100 }
    expect("more than 3 steps") { $0.stepLimit = 3 }
    expect("step limit") { $0.stepLimit = 0 }
    expect("condition", condition: Tensor([1, 2]))
    expect("seed", seeds: [1])
    expect("[batch, …]", examples: .ones([3]))
    expect("[batch, …]", examples: .ones([0, 2]))
    expect("example 1", examples: Tensor([0, 0, .nan, 0, 0, 0], shape: [3, 2]))
  }

  @Test func whatTheObserverThrowsEndsTheComputation() throws {
    struct Stop: Error {}
    let model = CountingScore(counter: Counter())
    var shares: [Double] = []
    _ = try ProbabilityFlowLikelihood().logDensities(of: .ones([2, 2]), under: model, process: EDMProcess()) {
      shares.append($0)
    }
    #expect(shares.last == 1 && shares.count > 2 && zip(shares, shares.dropFirst()).allSatisfy(<=))
    #expect(throws: Stop.self) {
      _ = try ProbabilityFlowLikelihood().logDensities(of: .ones([2, 2]), under: model, process: EDMProcess()) { _ in
        throw Stop()
      }
    }
    #expect(gradientsAreRecorded)
  }

  @Test func likelihoodsLeakNoTensors() throws {
    let process = EDMProcess()
    let model = network(shape: [3], process: process, isEnergy: true)
    try expectNoLeaks {
      _ = try ProbabilityFlowLikelihood(relativeTolerance: 1e-2, absoluteTolerance: 1e-2)
        .logDensities(of: .ones([4, 3]), under: model, process: process)
    }
  }
}

/// A network with random weights, whose last layer would otherwise start at 0.
private func network(
  shape: [Int], process: any DiffusionProcess, isEnergy: Bool = false
) -> any ScoreModel {
  var generator = RandomGenerator(seed: 11, purpose: .initialization)
  let base = MLP(.init(shape: shape, width: 24, blocks: 1, classCount: 3), using: &generator)
  for parameter in base.parameters() { parameter.value = parameter.value + 0.1 * generator.normal(parameter.shape) }
  let parameterization = Parameterization.edm(sigmaData: 1, noiseScale: 2)
  return isEnergy
    ? EnergyScore(EnergyNetwork(base), process: process, parameterization: parameterization)
    : MLPScore(base, process: process, parameterization: parameterization)
}
