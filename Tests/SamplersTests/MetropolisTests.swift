import Foundation
import Samplers
import ScoreModels
import TestSupport
import Testing
import Torch

/// The energy of a mixture, without the score that the mixture knows.
private struct EnergyOfMixture: EnergyModel {
  let mixture: GaussianMixtureScore

  func energy(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    mixture.energy(x, at: t, condition: condition)
  }
}

/// The chain that accepts or rejects, on densities that are known.
@Suite struct MetropolisTests {
  static let process = EDMProcess(sigmaMin: 0.02, sigmaMax: 20)

  /// Normal data of variance 0 at the origin: p_σ is N(0, σ²), which the chains start from.
  private static func point(dimension d: Int) -> GaussianMixtureScore {
    GaussianMixtureScore(
      weights: [1], means: .zeros([1, d], dtype: .float64), covariances: Tensor([0.0]), process: process)
  }

  private static func power(_ x: Tensor, _ exponent: Int) -> Tensor {
    (1..<exponent).reduce(x) { product, _ in product * x }
  }

  /// A sampler of one level.
  private static func chain(
    _ steps: Int, stepSize: Double, sigma: Double, burnIn: Int = 0
  ) -> MetropolisAdjustedLangevinSampler {
    MetropolisAdjustedLangevinSampler(
      noiseLevels: 1, stepsPerLevel: steps, stepSize: stepSize, burnIn: burnIn
    ).with(sigmaMax: sigma)
  }

  /// What is known of a mixture at a noise level, as functions of points and their exact means: coordinates, products,
  /// shares of the components, and cosines, whose means are Σₖ wₖ·cos(aᵀμₖ)·exp(−½·aᵀ(Cₖ + σ²I)a).
  private static func expectations(_ model: GaussianMixtureScore, sigma: Double) -> [(
    String, (Tensor) -> Tensor, Double
  )] {
    let (mean, covariance) = (model.mean, model.covariance + sigma * sigma * Tensor.identity(2, dtype: .float64))
    var result: [(String, (Tensor) -> Tensor, Double)] = []
    for i in 0..<2 {
      result.append(("mean \(i)", { $0[.all, .at(i)] }, mean[i].item()))
      for j in 0...i {
        result.append(
          (
            "covariance \(i), \(j)", { ($0[.all, .at(i)] - mean[i]) * ($0[.all, .at(j)] - mean[j]) },
            covariance[.at(i), .at(j)].item()
          ))
      }
    }
    for (k, weight) in model.weights.enumerated() {
      func share(_ x: Tensor) -> Tensor {
        let t = Tensor.full([x.size(0)], sigma, dtype: .float64)
        let label = Tensor.full([x.size(0)], Double(k), dtype: .int64)
        return weight * (model.logDensity(x, at: t, condition: label) - model.logDensity(x, at: t)).exp()
      }
      result.append(("share of component \(k)", share, weight))
    }
    let components = zip(mixtureMeans, mixtureCovariances)
    for a in [[2.0, 0], [1, -1], [0.5, 2]] {
      let exact = zip(model.weights, components).map { weight, component in
        let (m, c) = component
        let phase = a[0] * m[0] + a[1] * m[1]
        let spread =
          a[0] * a[0] * (c[0] + sigma * sigma) + 2 * a[0] * a[1] * c[1] + a[1] * a[1] * (c[2] + sigma * sigma)
        return weight * cos(phase) * exp(-0.5 * spread)
      }
      result.append(
        ("cosine along \(a)", { (a[0] * $0[.all, .at(0)] + a[1] * $0[.all, .at(1)]).cos() }, exact.reduce(0, +)))
    }
    return result
  }

  /// μₖ and the entries 00, 01, 11 of Cₖ of `mixture(under:)`.
  private static let mixtureMeans: [[Double]] = [[1, 0.3], [-1, 0.7], [-0.6, -1.2]]
  private static let mixtureCovariances: [[Double]] = [[0.15, 0.08, 0.2], [0.3, -0.1, 0.1], [0.05, 0, 0.05]]

  /// How many standard errors each mean is off.
  private static func deviations(_ x: Tensor, _ model: GaussianMixtureScore, sigma: Double) -> [String: Double] {
    var result: [String: Double] = [:]
    for (name, function, exact) in expectations(model, sigma: sigma) {
      let values = function(x)
      let standardError = (values.variance(0).item() / Double(values.size(0))).squareRoot()
      result[name] = (values.mean().item() - exact) / standardError
    }
    return result
  }

  /// Steps of 1.5σ² are far too long for Langevin dynamics alone.
  @Test func itKeepsTheDensityWhereUnadjustedStepsOfTheSameSizeDoNot() throws {
    let (model, sigma, seeds) = (mixture(under: Self.process), 0.6, Array(UInt64(0)..<3000))
    let x = try Self.chain(150, stepSize: 1.5, sigma: sigma).sample(
      from: model, process: Self.process, shape: [2], seeds: seeds)
    let adjusted = Self.deviations(x, model, sigma: sigma)
    #expect(adjusted.count == 11 && adjusted.values.allSatisfy { $0.magnitude < 4 }, "\(adjusted)")
    var states: [Tensor] = []
    _ = try AnnealedLangevinSampler(noiseLevels: 1, stepsPerLevel: 150, stepSize: 1.5).with(sigmaMax: sigma).sample(
      from: model, process: Self.process, shape: [2], seeds: seeds, observe: { if $0.step == 150 { states = [$0.x] } })
    let unadjusted = Self.deviations(try #require(states.first), model, sigma: sigma)
    for name in ["covariance 0, 0", "covariance 1, 1", "cosine along [2.0, 0.0]", "cosine along [1.0, -1.0]"] {
      #expect((unadjusted[name] ?? 0).magnitude > 4, "\(name) of unadjusted steps: \(unadjusted)")
    }
  }

  /// Chains that start from p_σ have that law after any number of steps of any size.
  @Test(arguments: [0.1, 0.5, 2, 5])
  func aChainThatStartsInItsDensityStaysThere(_ stepSize: Double) throws {
    let x = try Self.chain(6, stepSize: stepSize, sigma: 0.7).sample(
      from: Self.point(dimension: 1), process: Self.process, shape: [1], seeds: Array(0..<10_000))
    let y = (x / 0.7).flattened()
    // The moments of a standard normal number, with the variance of what is averaged.
    for (power, exact, variance) in [(1, 0.0, 1.0), (2, 1, 2), (3, 0, 15), (4, 3, 96)] {
      let error = Self.power(y, power).mean().item() - exact
      #expect(error.magnitude < 4 * (variance / 10_000).squareRoot(), "moment \(power) is off by \(error)")
    }
  }

  /// As many chains go from a to b as from b to a, for every two bins of a histogram; and the bins hold their share.
  @Test func movesBetweenBinsAreInDetailedBalance() throws {
    let sigma = 0.25
    let model = GaussianMixtureScore(
      weights: [0.7, 0.3], means: Tensor([-0.5, 0.6], shape: [2, 1]), covariances: Tensor([0.1, 0.02]),
      process: Self.process)
    let (chains, steps) = (10_000, 80)
    var states: [[Double]] = []
    _ = try Self.chain(steps, stepSize: 0.9, sigma: sigma).sample(
      from: model, process: Self.process, shape: [1], seeds: Array(0..<UInt64(chains)),
      observe: { if $0.step >= steps - 1 { states.append($0.x.elements()) } })
    let edges = [-1.1, -0.7, -0.4, -0.1, 0.2, 0.5, 0.8]
    func bin(_ x: Double) -> Int { edges.filter { $0 < x }.count }
    let count = edges.count + 1
    var moves = Array(repeating: Array(repeating: 0.0, count: count), count: count)
    for (from, to) in zip(states[0], states[1]) { moves[bin(from)][bin(to)] += 1 }
    for i in 0..<count {
      for j in 0..<i {
        let bound = 4 * (moves[i][j] + moves[j][i] + 1).squareRoot()
        #expect((moves[i][j] - moves[j][i]).magnitude < bound, "bins \(i) and \(j): \(moves)")
      }
    }
    func below(_ x: Double) -> Double {
      [(0.7, -0.5, 0.1), (0.3, 0.6, 0.02)].map { weight, mean, variance in
        weight * 0.5 * erfc((mean - x) / (2 * (variance + sigma * sigma)).squareRoot())
      }.reduce(0, +)
    }
    let cumulative = [0] + edges.map(below) + [1]
    for k in 0..<count {
      let share = cumulative[k + 1] - cumulative[k]
      let found = moves.map { $0[k] }.reduce(0, +) / Double(chains)
      let bound = 4 * (share * (1 - share) / Double(chains)).squareRoot()
      #expect((found - share).magnitude < bound, "bin \(k) holds \(found) instead of \(share)")
    }
  }

  /// The deviation of log α from 0 is of order h^(3/2) in stationarity.
  @Test func rejectionsVanishWithTheStepSize() throws {
    let sizes = [0.4, 0.1, 0.025, 0.00625]
    let rejections = try sizes.map { size in
      var sum = 0.0
      _ = try Self.chain(1, stepSize: size, sigma: 1).sample(
        from: Self.point(dimension: 3), process: Self.process, shape: [3], seeds: Array(0..<20_000),
        observe: { sum = $0.acceptance?.mean().item() ?? .nan })
      return 1 - sum
    }
    #expect(rejections[0] > 0.01 && rejections[3] < 3e-4, "\(rejections)")
    for (larger, smaller) in zip(rejections, rejections.dropFirst()) {
      #expect((log(larger / smaller) / log(4) - 1.5).magnitude < 0.15, "\(rejections)")
    }
  }

  /// Four steps by the formulas, for data N(0.4, 0.3) under a process with a scale; those of burn-in change η, each chain's
  /// own, for the next step, and the others leave it.
  @Test(arguments: [0, 2])
  func aStepIsThatOfThePaper(_ burnIn: Int) throws {
    let process = VariancePreserving()
    let model = GaussianMixtureScore(
      weights: [1], means: .full([1, 2], 0.4, dtype: .float64), covariances: Tensor([0.3]), process: process)
    let (seeds, sigma) = (Array(UInt64(0)..<40), 0.8)
    var states: [SamplerState] = []
    let result = try Self.chain(4, stepSize: 1.5, sigma: sigma, burnIn: burnIn).sample(
      from: model, process: process, shape: [2], seeds: seeds, observe: { states.append($0) })
    var generators = SampleGenerators(seeds: seeds)
    var x = sigma * generators.normal([2], dtype: .float64)
    var eta = Tensor.full([40, 1], 1.5, dtype: .float64)
    let variance = 0.3 + sigma * sigma
    func score(_ x: Tensor) -> Tensor { (0.4 - x) / variance }
    func energy(_ x: Tensor) -> Tensor { (x - 0.4).square().sum(1) / (2 * variance) }
    var accepted = 0.0
    for (n, state) in states.enumerated() {
      let alpha = eta * (sigma * sigma)
      func logProposal(_ y: Tensor, from x: Tensor) -> Tensor {
        -(y - x - alpha * score(x)).square().sum(1) / (4 * alpha.squeezed(1))
      }
      let z = generators.normal([2], dtype: .float64)
      let u = generators.uniform([], dtype: .float64)
      let y = x + alpha * score(x) + (2 * alpha).sqrt() * z
      let ratio = energy(x) - energy(y) + logProposal(x, from: y) - logProposal(y, from: x)
      let probability = ratio.exp().clamped(to: 0...1)
      expectClose(try #require(state.acceptance), probability, rtol: 1e-8, atol: 1e-8)
      let isAccepted = u .< probability
      x = x.replacing(where: isAccepted.broadcastable(toRank: 2), with: y)
      expectClose(state.x, process.scale(process.time(sigma: sigma)) * x, rtol: 1e-8, atol: 1e-8)
      accepted += isAccepted.to(.float64).sum().item()
      if n < burnIn { eta = eta * ((probability - 0.574) / Double(n + 1).squareRoot()).exp().broadcastable(toRank: 2) }
    }
    #expect(accepted > 20 && accepted < 140, "both outcomes are tried: \(accepted) of 160")
    expectClose(result, x, rtol: 1e-8, atol: 1e-8)
  }

  @Test func anEnergyAloneIsSampledFromLikeOneWithItsScore() throws {
    let model = mixture(under: Self.process)
    func samples(_ model: any ScoreModel) throws -> (x: Tensor, acceptance: [Tensor]) {
      var acceptance: [Tensor] = []
      let x = try Self.chain(12, stepSize: 0.8, sigma: 0.7).sample(
        from: model, process: Self.process, shape: [2], seeds: Array(0..<20),
        condition: Tensor((0..<20).map { $0 % 2 }), observe: { acceptance.append(try #require($0.acceptance)) })
      return (x, acceptance)
    }
    let (found, expected) = (try samples(EnergyOfMixture(mixture: model)), try samples(model))
    expectClose(found.x, expected.x, rtol: 1e-9, atol: 1e-9)
    expectClose(found.acceptance, expected.acceptance, rtol: 1e-9, atol: 1e-9)
    let rejected = found.acceptance.filter { $0.min().item() < 1 }.count
    #expect(rejected > 0)
  }

  @Test func burnInLeadsToTheRateOfAcceptanceAndIsThenOver() throws {
    let (d, burnIn, steps) = (16, 120, 200)
    for start in [0.01, 3] {
      var acceptance: [Double] = []
      let x = try Self.chain(steps, stepSize: start, sigma: 0.5, burnIn: burnIn).sample(
        from: Self.point(dimension: d), process: Self.process, shape: [d], seeds: Array(0..<400),
        observe: { acceptance.append($0.acceptance?.mean().item() ?? .nan) })
      let mean = acceptance.dropFirst(burnIn).reduce(0, +) / Double(steps - burnIn)
      #expect((mean - 0.574).magnitude < 0.03, "from \(start) the rate became \(mean)")
      #expect((acceptance[0] - 0.574).magnitude > 0.2)
      // The law is kept: 6400 numbers of variance 0.25.
      let variance = x.square().mean().item() / 0.25
      #expect((variance - 1).magnitude < 4 * (2 / 6400.0).squareRoot(), "the variance is \(variance) times as large")
    }
  }

  @Test func annealedChainsReachTheDensityOfTheSmallestNoise() throws {
    let model = mixture(under: Self.process)
    let sampler = MetropolisAdjustedLangevinSampler(
      noiseLevels: 30, stepsPerLevel: 12, stepSize: 1, burnIn: 0
    ).with(sigmaMin: 0.1, sigmaMax: 3)
    let x = try sampler.sample(from: model, process: Self.process, shape: [2], seeds: Array(0..<1500))
    let deviations = Self.deviations(x, model, sigma: 0.1)
    #expect(deviations.values.allSatisfy { $0.magnitude < 4 }, "\(deviations)")
  }

  @Test func theLastStateIsDenoisedOnRequest() throws {
    for process in [EDMProcess(), VariancePreserving()] as [any DiffusionProcess] {
      let model = mixture(under: process)
      var sampler = MetropolisAdjustedLangevinSampler(noiseLevels: 3, stepsPerLevel: 4, burnIn: 2).with(sigmaMin: 0.2)
      let x = try sampler.sample(from: model, process: process, shape: [2], seeds: [1, 2, 3])
      sampler.denoises = true
      var states: [SamplerState] = []
      let denoised = try sampler.sample(
        from: model, process: process, shape: [2], seeds: [1, 2, 3], observe: { states.append($0) })
      let level = NoiseLevel(sigma: 0.2, of: process)
      let expected = model.denoised(
        level.scale * x, at: .full([3], level.time, dtype: .float64), process: process)
      expectClose(denoised, expected, rtol: 1e-9, atol: 1e-9)
      #expect(states.map(\.step) == Array(1...13))
      #expect(states.last?.sigma == 0 && states.last?.acceptance == nil)
      expectIdentical(try #require(states.last).x, denoised)
    }
  }

  /// The guided score of a class belongs to a density that is not a mixture; on a line its moments are sums.
  @Test func guidedEnergiesAreSampledFrom() throws {
    let sigma = 0.4
    let model = GaussianMixtureScore(
      weights: [1, 1], means: Tensor([-0.5, 0.5], shape: [2, 1]), covariances: Tensor([0.2, 0.1]),
      process: Self.process)
    let guided = ClassifierFreeGuidance(FixedBatchScore(model, batchSize: 1000), weight: 2)
    let x = try Self.chain(80, stepSize: 0.8, sigma: sigma).sample(
      from: guided, process: Self.process, shape: [1], seeds: Array(0..<2000),
      condition: .full([2000], 1, dtype: .int64)
    ).flattened()
    let grid = Tensor.linspace(-6, 8, count: 14_001).to(.float64)
    let (points, t) = (grid.expandingDimension(at: 1), Tensor.full([14_001], sigma, dtype: .float64))
    let energy = try #require(guided.energyModel).energy(points, at: t, condition: .full([14_001], 1, dtype: .int64))
    let density = (energy.min() - energy).exp() / (energy.min() - energy).exp().sum()
    for power in 1...3 {
      let values = Self.power(x, power)
      let error = values.mean().item() - (density * Self.power(grid, power)).sum().item()
      let standardError = (values.variance(0).item() / 2000).squareRoot()
      #expect(error.magnitude < 4 * standardError, "moment \(power) is off by \(error / standardError) standard errors")
    }
  }

  @Test func aModelWithoutAnEnergyIsRefused() throws {
    var generator = RandomGenerator(seed: 5)
    let model = NetworkScore(
      MLP(.init(shape: [2], width: 8, blocks: 1), using: &generator), process: Self.process,
      parameterization: .edm(sigmaData: 0.5))
    for model in [model, FixedBatchScore(model), ClassifierFreeGuidance(model, weight: 2)] as [any ScoreModel] {
      var steps = 0
      let error = #expect(throws: SamplerError.self) {
        _ = try MetropolisAdjustedLangevinSampler().sample(
          from: model, process: Self.process, shape: [2], seeds: [1], observe: { _ in steps += 1 })
      }
      #expect(error?.description.contains("conservative energy") == true)
      #expect(steps == 0)
    }
  }
}
