import Foundation
import ScoreMetrics
import ScoreModels
import TestSupport
import Testing
import Torch

@Suite struct AsymmetryEstimateTests {
  private static let process = EDMProcess()

  private static var model: MLPScore {
    var generator = RandomGenerator(seed: 6, purpose: .initialization)
    let network = MLP(.init(shape: [6], width: 8, blocks: 1), using: &generator).randomized()
    return MLPScore(network, process: process, parameterization: .edm(sigmaData: 0.5))
  }

  private static func measure(_ count: Int, _ method: AsymmetryMethod, seed: UInt64) throws -> Asymmetry {
    var generator = RandomGenerator(seed: seed)
    let examples = generator.normal([count, 6], dtype: .float64)
    return try asymmetry(
      of: model, process: process, at: [0.7], examples: examples, method: method, batchSize: 1000, using: &generator)[0]
  }

  /// The truth from many points, with an error of its own; probes at other points agree within what the errors allow.
  @Test(arguments: [AsymmetryMethod.exact, .probes(1), .probes(4)])
  func errorBarsCoverTheTruth(method: AsymmetryMethod) throws {
    let truth = try Self.measure(20_000, .exact, seed: 1)
    let estimate = try Self.measure(1_000, method, seed: 2)
    for (a, b) in [(estimate.asym, truth.asym), (estimate.nasym, truth.nasym)] {
      let error = (a.standardError * a.standardError + b.standardError * b.standardError).squareRoot()
      #expect((a.value - b.value).magnitude <= 4 * error && a.standardError < 0.1 * a.value)
    }
  }

  /// Over 150 repetitions the values scatter as their standard errors say.
  @Test(arguments: [AsymmetryMethod.exact, .probes(1), .probes(3)])
  func standardErrorsAreTheSpreadOfRepetitions(method: AsymmetryMethod) throws {
    let results = try (0..<150).map { try Self.measure(60, method, seed: 100 + UInt64($0)) }
    for estimates in [results.map(\.asym), results.map(\.nasym)] {
      let spread = Tensor(estimates.map(\.value)).variance(0).item().squareRoot()
      let claimed = (estimates.reduce(0) { $0 + $1.standardError * $1.standardError } / 150).squareRoot()
      #expect(claimed < 1.5 * spread && spread < 1.5 * claimed, "claimed \(claimed), found \(spread)")
    }
  }

  @Test func aRatioIsOneOfMeans() {
    let ratio = Estimate(ratioOf: [1, 2, 6], to: [2, 4, 4])
    #expect(ratio.value == 0.9)
    // Deviations 1 − 1.8, 2 − 3.6, 6 − 3.6 over the mean 10/3.
    expectClose(ratio.standardError, ((0.64 + 2.56 + 5.76) / 6.0).squareRoot() * 0.3, rtol: 1e-14)
    #expect(Estimate(ratioOf: [0, 0], to: [0, 0]) == Estimate(value: 0, standardError: 0))
    let mean = Estimate(meanOf: [1, 2, 6])
    #expect(mean.value == 3)
    expectClose(mean.standardError, (14 / 6.0).squareRoot(), rtol: 1e-14)
  }

  @Test func aSinglePointHasNoErrorBarAndIsWrittenWithoutOne() throws {
    let single = try Self.measure(1, .exact, seed: 3)
    #expect(single.asym.standardError.isNaN && single.nasym.standardError.isNaN && single.asym.value > 0)
    let text = try JSONEncoder().encode(single)
    let copy = try JSONDecoder().decode(Asymmetry.self, from: text)
    #expect(copy.asym.value == single.asym.value && copy.asym.standardError.isNaN)
    #expect(!(String(data: text, encoding: .utf8) ?? "").contains("standardError"))
    let several = try Self.measure(5, .probes(2), seed: 3)
    #expect(try JSONDecoder().decode(Asymmetry.self, from: JSONEncoder().encode(several)) == several)
  }

  /// A network that starts at 0 has no Jacobian, which is symmetric.
  @Test func aScoreThatIsZeroIsSymmetric() throws {
    let zero = FieldScore { $0 * 0 }
    var generator = RandomGenerator(seed: 1)
    for method in [AsymmetryMethod.exact, .probes(2)] {
      let result = try asymmetry(
        of: zero, process: Self.process, at: [1], examples: normal([3, 2]), method: method, using: &generator)[0]
      #expect(result.asym == Estimate(value: 0, standardError: 0) && result.nasym == result.asym)
    }
  }

  @Test func theAutomaticMethodFormsSmallJacobiansAlone() throws {
    var generator = RandomGenerator(seed: 1)
    for (shape, isExact) in [([3, 4, 4], true), ([3, 17], false)] {
      let result = try asymmetry(
        of: FieldScore { $0.tanh() }, process: Self.process, at: [1], examples: normal(shape), using: &generator)[0]
      #expect(result.isExact == isExact)
    }
  }

  @Test func badArgumentsGetASentence() {
    func expect(
      _ model: any ScoreModel = FieldScore { $0.tanh() }, at sigmas: [Double] = [1], examples: Tensor = normal([3, 2]),
      condition: Tensor? = nil, _ method: AsymmetryMethod = .automatic, batchSize: Int = 4, mentions word: String,
      sourceLocation: SourceLocation = #_sourceLocation
    ) {
      let error = #expect(throws: ConservativenessError.self, sourceLocation: sourceLocation) {
        var generator = RandomGenerator(seed: 1)
        _ = try asymmetry(
          of: model, process: Self.process, at: sigmas, examples: examples, condition: condition, method: method,
          batchSize: batchSize, using: &generator)
      }
      expectSentence(error, mentions: word, sourceLocation: sourceLocation)
    }
    expect(examples: normal([0, 2]), mentions: "at least one, not at shape [0, 2]")
    expect(examples: normal([4]), mentions: "[4]")
    for sigma in [100, 0, -1, Double.nan, .infinity] { expect(at: [1, sigma], mentions: "0.002 … 80") }
    expect(condition: Tensor([1, 2]), mentions: "each of the 3 examples")
    expect(examples: normal([3, 2]), .probes(0), mentions: "1 probe")
    expect(batchSize: 0, mentions: "batch")
    expect(examples: normal([3, 2]) / 0, mentions: "examples hold")
    expect(FieldScore { ($0 - $0.detached()).sqrt() }, at: [3], mentions: "noise level 3")
    expect(FieldScore { $0.log() }, .probes(1), mentions: "not finite")
    for method in [AsymmetryMethod.exact, .probes(1)] {
      expect(FieldScore { $0.detached() }, method, mentions: "not recorded")
      expect(FieldScore { $0.detached() * Tensor([1.0, 2]).variable() }, method, mentions: "not recorded")
      expect(FieldScore { $0.sum(1) }, method, mentions: "shape [3] at x of shape [3, 2]")
    }
  }
}
