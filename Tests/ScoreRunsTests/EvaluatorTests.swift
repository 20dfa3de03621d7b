import Foundation
import ScoreKit
import TestSupport
import Testing

@Suite struct EvaluatorTests {
  /// The exact score of points from one normal distribution in the plane, and what a run would say about it.
  private static func normal(
    _ process: ProcessConfiguration.Kind = .edm
  ) throws -> (model: GaussianMixtureScore, record: RunRecord, dataset: Dataset) {
    let process = ProcessConfiguration(process)
    let model = GaussianMixtureScore(
      weights: [1], means: .zeros([1, 2]), covariances: Tensor([1.5, 0.5], shape: [1, 2]),
      process: try process.makeProcess())
    var generator = RandomGenerator(seed: 4, purpose: .data)
    let dataset = try Dataset(name: "normal", examples: model.draw(3000, using: &generator).to(.float32))
    let configuration = ModelConfiguration(
      mlp: .init(shape: [2], width: 4, blocks: 1, classCount: 0), process: process, sigmaData: 1)
    return (model, RunRecord(run: RunConfiguration(), model: configuration, data: try dataset.fingerprint), dataset)
  }

  private static func evaluation(
    _ evaluator: Evaluator, _ model: any ScoreModel, _ record: RunRecord, _ dataset: Dataset
  ) throws -> Evaluation {
    try evaluator.evaluation(
      of: model, process: record.model.process.makeProcess(), record: record, step: 7, isAverage: true, on: dataset,
      source: "normal")
  }

  @Test(arguments: [ProcessConfiguration.Kind.edm, .vp])
  func theExactScoreOfANormalDistributionHasTheKnownValues(_ kind: ProcessConfiguration.Kind) throws {
    let (model, record, dataset) = try Self.normal(kind)
    let result = try Self.evaluation(
      Evaluator(count: 2000, noiseLevels: [0.1, 1, 5]), model, record, dataset)
    for level in result.levels {
      let variance = level.sigma * level.sigma
      // The variance of x₀ given xₜ is λσ²/(λ + σ²) in each direction.
      let error = [1.5, 0.5].map { $0 * variance / ($0 + variance) }.reduce(0, +) / 2
      let loss = error * (1 / variance + 1)
      #expect(abs(level.loss.value - loss) < 4 * level.loss.standardError, "\(level)")
      #expect((0.005...0.04).contains(level.loss.standardError / loss), "\(level)")
      #expect(level.nasym.value < 1e-20 && level.isExact)
    }
    let likelihood = try #require(result.likelihood)
    let entropy = 0.5 * log(1.5 * 0.5) + 1 + log(2 * Double.pi)
    #expect(abs(likelihood.nats.value + entropy) < 4 * likelihood.nats.standardError, "\(likelihood)")
    // −log p has the variance d/2.
    expectClose(likelihood.nats.standardError, (1.0 / 2000).squareRoot(), rtol: 0.15)
    #expect(likelihood.bitsPerDimension == nil && likelihood.probeCount == nil)
    #expect(likelihood.integrationError < 5e-3)
    #expect(result.data.count == 2000 && result.data.total == 3000 && result.data.isTrainingData)
  }

  /// Pictures of one byte, under a normal distribution around its value that is about as wide as the gap between bytes.
  @Test func bytesAreDequantisedForTheLikelihood() throws {
    let process = ProcessConfiguration(.edm)
    let (gap, mean) = (1 / 127.5, 127 / 127.5 - 1)
    let model = GaussianMixtureScore(
      weights: [1], means: .full([1, 2], mean, dtype: .float64), covariances: Tensor([gap * gap]),
      process: try process.makeProcess())
    let bytes = Tensor(Array(repeating: UInt8(127), count: 1000), shape: [500, 1, 1, 2])
    let dataset = try Dataset(name: "flat", examples: bytes)
    let configuration = ModelConfiguration(
      mlp: .init(shape: [1, 1, 2], width: 4, blocks: 1, classCount: 0), process: process, sigmaData: 1)
    let result = try Self.evaluation(
      Evaluator(noiseLevels: [0.1]), model, RunRecord(run: RunConfiguration(), model: configuration, data: ""), dataset)
    let likelihood = try #require(result.likelihood)
    // The density has the noise level 0.002 added; a uniform number of a gap's width has the variance gap²/12.
    let variance = gap * gap + 4e-6
    let nats = -log(2 * Double.pi * variance) - gap * gap / 12 / variance
    #expect(likelihood.nats.standardError > 1e-3)
    #expect(abs(likelihood.nats.value - nats) < 4 * likelihood.nats.standardError + 2e-3, "\(likelihood), not \(nats)")
    let bits = try #require(likelihood.bitsPerDimension)
    #expect(abs(bits.value - (-nats / (2 * log(2)) + log2(127.5))) < 4 * bits.standardError + 2e-3)
    #expect(result.data.count == 500 && !result.data.isTrainingData)
  }

  @Test func aRotationIsAsymmetric() throws {
    let (model, record, dataset) = try Self.normal()
    let result = try Self.evaluation(
      Evaluator(count: 50, measuresLikelihood: false), RotatingScore(base: model), record, dataset)
    #expect(result.levels.map(\.sigma) == Evaluator.defaultNoiseLevels)
    for level in result.levels {
      // J = −diag(1/(λ + σ²)) + [0 −1; 1 0]: ½‖J − Jᵀ‖² = 4.
      let diagonal = [1.5, 0.5].map { pow($0 + level.sigma * level.sigma, -2) }.reduce(0, +)
      expectClose(level.asym.value, 4, rtol: 1e-9)
      expectClose(level.nasym.value, 2 / (2 + diagonal), rtol: 1e-9)
    }
  }

  @Test func fewerExamplesAreTheFirstOfMore() throws {
    let (model, record, dataset) = try Self.normal()
    func values(_ count: Int, seed: UInt64 = 0) throws -> Evaluation {
      try Self.evaluation(Evaluator(count: count, seed: seed), model, record, dataset)
    }
    let (one, two) = (try values(1), try values(2))
    #expect(one.levels[0].loss.standardError.isNaN)
    #expect(one.levels.map(\.sigma) == Evaluator.defaultNoiseLevels && two.levels.count == one.levels.count)
    // The standard error of two values is half their distance.
    for (level, both) in zip(one.levels, two.levels) {
      expectClose(abs(level.loss.value - both.loss.value), both.loss.standardError, rtol: 1e-9)
    }
    let (first, both) = (try #require(one.likelihood), try #require(two.likelihood))
    expectClose(abs(first.nats.value - both.nats.value), both.nats.standardError, rtol: 1e-6)
    #expect(try values(2) == two)
    #expect(try values(2, seed: 1).levels != two.levels)
    // A file holds everything, also that one example has no standard error.
    try temporaryFolder { folder in
      for evaluation in [one, two] {
        let path = "\(folder)/evaluation.json"
        try evaluation.encoded().write(to: URL(fileURLWithPath: path))
        let text = try String(contentsOfFile: path, encoding: .utf8)
        for key in ["noise-levels", "seen-in-training", "integration-error", "sigma-min"] {
          #expect(text.contains("\"\(key)\""))
        }
        #expect(text.contains("standard-error") == (evaluation.data.count > 1))
        #expect(try Evaluation(contentsOf: path).encoded() == evaluation.encoded())
      }
      try Data("{}".utf8).write(to: URL(fileURLWithPath: "\(folder)/other.json"))
      #expect(throws: RunError.self) { try Evaluation(contentsOf: "\(folder)/other.json") }
    }
  }

  @Test func whatDoesNotSuitTheModelIsRefused() throws {
    let (model, record, dataset) = try Self.normal()
    func expect(
      _ kind: FailureKind, _ word: String, _ model: any ScoreModel, _ record: RunRecord, _ dataset: Dataset,
      noiseLevels: [Double]? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) {
      let error = #expect(throws: RunError.self, sourceLocation: sourceLocation) {
        try Self.evaluation(
          Evaluator(count: 5, noiseLevels: noiseLevels, measuresLikelihood: false), model, record, dataset)
      }
      #expect(error?.kind == kind && error?.description.contains(word) == true, "\(String(describing: error))")
    }
    expect(.usage, "100", model, record, dataset, noiseLevels: [1, 100])
    expect(.data, "points of 2 numbers", model, record, try Dataset.digits())
    expect(.data, "not finite", RotatingScore(base: model, angle: .nan), record, dataset)
    var classes = record
    classes.model = ModelConfiguration(
      mlp: .init(shape: [2], width: 4, blocks: 1, classCount: 3), process: .init(.edm), sigmaData: 1)
    let labels = Tensor(Array(repeating: 5, count: 3000))
    expect(.data, "class 5", model, classes, try Dataset(name: "normal", examples: dataset.examples, labels: labels))
  }

  @Test func batchesAreOfTheSizeThatIsAskedFor() throws {
    let (model, record, dataset) = try Self.normal()
    let byDefault = try Self.evaluation(Evaluator(count: 50), model, record, dataset)
    for batchSize in [1, 7, 1000] {
      let recorder = BatchRecorder(base: model)
      let result = try Self.evaluation(Evaluator(count: 50, batchSize: batchSize), recorder, record, dataset)
      // 50 points are no more than 50, and the likelihoods of all of them are checked.
      #expect(recorder.sizes.values == (batchSize == 1000 ? [50] : batchSize == 7 ? [7, 1] : [1]))
      #expect(result.levels.map(\.sigma) == byDefault.levels.map(\.sigma) && !byDefault.levels.isEmpty)
      for (level, other) in zip(result.levels, byDefault.levels) {
        expectClose(level.loss.value, other.loss.value, rtol: 1e-9)
        expectClose(level.nasym.value, other.nasym.value, rtol: 1e-9, atol: 1e-20)
      }
      expectClose(
        try #require(result.likelihood).nats.value, try #require(byDefault.likelihood).nats.value, rtol: 1e-9)
    }
  }

  @Test func stagesAreObservedInOrder() throws {
    let (model, record, dataset) = try Self.normal()
    var seen: [(Evaluator.Stage, Double)] = []
    _ = try Evaluator(count: 100).evaluation(
      of: model, process: record.model.process.makeProcess(), record: record, step: 0, isAverage: false, on: dataset,
      source: "normal"
    ) { seen.append(($0, $1)) }
    for stage in Evaluator.Stage.allCases {
      let shares = seen.filter { $0.0 == stage }.map(\.1)
      #expect(shares.last == 1 && zip(shares, shares.dropFirst()).allSatisfy(<=), "\(stage): \(shares)")
    }
    let order = seen.map { Evaluator.Stage.allCases.firstIndex(of: $0.0) ?? 9 }
    #expect(order == order.sorted())
  }
}

/// A score that notes the sizes of the batches that it is evaluated in.
private struct BatchRecorder: ScoreModel {
  final class Sizes: @unchecked Sendable { var values: Set<Int> = [] }

  let base: GaussianMixtureScore
  let sizes = Sizes()

  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    sizes.values.insert(x.size(0))
    return base.score(x, at: t, condition: condition)
  }
}

/// A score with a rotation added: angle·(−y, x).
private struct RotatingScore: ScoreModel {
  let base: GaussianMixtureScore
  var angle = 1.0

  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    let turn = Tensor([0, angle, -angle, 0], shape: [2, 2]).to(x.dtype)
    return base.score(x, at: t, condition: condition) + x.matmul(turn)
  }
}
