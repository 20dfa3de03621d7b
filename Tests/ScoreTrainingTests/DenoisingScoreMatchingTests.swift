import ScoreModels
import ScoreTraining
import TestSupport
import Testing
import Torch

/// The score s(x) = −a·(x − b)/σ² of a diagonal normal guess, with its parameters.
struct AffineScore: ScoreModel {
  let slope: Parameter
  let shift: Parameter

  init(slope: Double = 0.5, features: Int = 2) {
    self.slope = Parameter(Tensor(slope))
    shift = Parameter(.zeros([features]))
  }

  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    -(slope.value * (x - shift.value)) / (t.square() + 1).broadcastable(toRank: x.rank)
  }
}

@Suite struct DenoisingScoreMatchingTests {
  private static let processes: [any DiffusionProcess] = [
    EDMProcess(), VarianceExploding(), VariancePreserving(), SubVariancePreserving(),
  ]

  @Test func gradientOfTheLossIsExact() {
    let data = RandomGenerator(seed: 1).withNormal([6, 2], dtype: .float64)
    let objective = DenoisingScoreMatching(noiseLevels: .logNormal(), weighting: .edm(sigmaData: 1))
    expectGradient(
      of: { inputs in
        var generator = RandomGenerator(seed: 2)
        let model = AffineScore()
        model.slope.value = Tensor(0.5, dtype: .float64)
        let score = FixedScore { x, t in -(inputs[0] * (x - inputs[1])) / (t.square() + 1).broadcastable(toRank: 2) }
        return objective.loss(of: score, on: TrainingBatch(examples: data), process: EDMProcess(), using: &generator)
      }, at: [Tensor(0.7, dtype: .float64), Tensor([0.1, -0.2] as [Double])])
  }

  @Test(arguments: [0, 1, 2, 3]) func trueScoreBeatsEveryScaledOne(_ index: Int) {
    // Data N(0, I): the score of the noisy data is −x/(s²(1 + σ²)).
    let process = Self.processes[index]
    let data = RandomGenerator(seed: 1).withNormal([4096, 2])
    func loss(_ factor: Double) -> Double {
      let score = FixedScore { x, t in
        let (s, sigma) = (process.scale(t), process.sigma(t))
        return -x * factor / (s.square() * (sigma.square() + 1)).broadcastable(toRank: 2)
      }
      var generator = RandomGenerator(seed: 5)
      let objective = DenoisingScoreMatching(noiseLevels: .uniformTime, weighting: .edm(sigmaData: 1))
      return objective.loss(of: score, on: TrainingBatch(examples: data), process: process, using: &generator).item()
    }
    let best = loss(1)
    for factor in [0, 0.8, 0.9, 1.1, 1.25] { #expect(loss(factor) > best) }
  }

  @Test func edmLossOfAnUntrainedNetworkIsAboutOne() {
    var generator = RandomGenerator(seed: 0)
    let network = MLP(.init(shape: [2], width: 16, blocks: 1), using: &generator)
    let model = MLPScore(network, process: EDMProcess(), parameterization: .edm(sigmaData: 1.5))
    let data = RandomGenerator(seed: 1).withNormal([20_000, 2]) * 1.5
    let objective = DenoisingScoreMatching(noiseLevels: .logNormal(), weighting: .edm(sigmaData: 1.5))
    let loss = objective.loss(of: model, on: TrainingBatch(examples: data), process: EDMProcess(), using: &generator)
    #expect(abs(loss.item() - 1) < 0.05)
  }

  @Test func logNormalTimesHaveTheirDistribution() {
    var generator = RandomGenerator(seed: 3)
    let times = NoiseDistribution.logNormal(mean: -1.2, deviation: 1.2).times(
      4000, process: EDMProcess(), using: &generator)
    let logs = times.to(.float64).log()
    // Stratified: far closer than 1/√n. The process's range cuts the tails off at 4.2 deviations.
    #expect(abs(logs.mean().item() + 1.2) < 2e-3)
    #expect(abs(logs.variance().item().squareRoot() - 1.2) < 5e-3)
  }

  @Test(arguments: [0, 1, 2, 3]) func uniformTimesCoverTheRangeEvenly(_ index: Int) {
    let process = Self.processes[index]
    var generator = RandomGenerator(seed: 3)
    let times: [Double] = NoiseDistribution.uniformTime.times(8, process: process, using: &generator).elements()
    let range = process.timeRange
    for (i, t) in times.sorted().enumerated() {
      let share = (t - range.lowerBound) / (range.upperBound - range.lowerBound)
      #expect((Double(i) / 8 - 1e-6...Double(i + 1) / 8 + 1e-6).contains(share))
    }
  }
}

/// A score given by a closure.
struct FixedScore: ScoreModel {
  let body: (Tensor, Tensor) -> Tensor

  init(_ body: @escaping (Tensor, Tensor) -> Tensor) { self.body = body }

  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor { body(x, t) }
}

extension RandomGenerator {
  /// The first normal numbers of the stream.
  func withNormal(_ shape: [Int], dtype: DType = .float32) -> Tensor {
    var copy = self
    return copy.normal(shape, dtype: dtype)
  }
}
