import Foundation
import ScoreMetrics
import ScoreModels
import TestSupport
import Testing
import Torch

@Suite struct LogDensityDifferenceTests {
  /// A score alone, whose energy is not to be known.
  private struct ScoreAlone: ScoreModel {
    let base: any ScoreModel
    func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor { base.score(x, at: t, condition: condition) }
  }

  private static var start: Tensor { normal([4, 3], seed: 1) }
  private static var end: Tensor { normal([4, 3], seed: 2) }

  /// From the same starts to the same ends by ways around.
  private static func detours(_ seed: UInt64) throws -> Curves {
    try .polylines(
      through: .stack([start, normal([4, 3], seed: seed), normal([4, 3], seed: seed + 1), end], along: 1),
      nodesPerEdge: 40)
  }

  @Test(arguments: Mixtures.processes)
  func mixturesHaveTheDifferencesOfTheirLogDensityAlongAnyPath(process: any DiffusionProcess) throws {
    let mixture = Mixtures.mixture(process)
    let alone = ScoreAlone(base: mixture)
    for condition in [nil, Tensor([0, 1, 2, 1])] {
      let t = Tensor.full([4], 0.6, dtype: .float64)
      let expected =
        mixture.logDensity(Self.end, at: t, condition: condition)
        - mixture.logDensity(Self.start, at: t, condition: condition)
      #expect(expected.norm() > 0.1)
      func difference(_ model: any ScoreModel) throws -> Tensor {
        try logDensityDifference(
          of: model, from: Self.start, to: Self.end, at: 0.6, condition: condition, nodeCount: 60)
      }
      expectClose(try difference(mixture), expected, rtol: 1e-13, atol: 1e-13)
      expectClose(try difference(alone), expected, rtol: 1e-7, atol: 1e-7)
      for seed in [10, 20] as [UInt64] {
        let curves = try Self.detours(seed)
        expectClose(
          try logDensityDifference(of: alone, along: curves, at: 0.6, condition: condition), expected, rtol: 1e-6,
          atol: 1e-6)
        expectClose(
          try logDensityDifference(of: mixture, along: curves, at: 0.6, condition: condition), expected, rtol: 1e-13,
          atol: 1e-13)
      }
    }
  }

  @Test func energyModelsAgreeWithTheLineIntegralsOfTheirScores() throws {
    var generator = RandomGenerator(seed: 6, purpose: .initialization)
    let network = MLP(.init(shape: [3], width: 8, blocks: 2, classCount: 3), using: &generator).randomized()
    let model = EnergyScore(
      EnergyNetwork(network), process: VariancePreserving(), parameterization: .edm(sigmaData: 0.5, noiseScale: 3))
    let labels = Tensor([0, 1, 2, 3])
    let expected = try logDensityDifference(of: model, from: Self.start, to: Self.end, at: 0.3, condition: labels)
    let t = Tensor.full([4], 0.3, dtype: .float64)
    expectClose(
      expected, model.energy(Self.start, at: t, condition: labels) - model.energy(Self.end, at: t, condition: labels),
      rtol: 1e-12)
    for seed in [10, 20] as [UInt64] {
      let integral = try lineIntegral(of: model, along: Self.detours(seed), at: 0.3, condition: labels)
      expectClose(integral, expected, rtol: 1e-5, atol: 1e-5)
      #expect(integral.norm() > 0.1)
    }
    // Without the energy's structure the way matters.
    let plain = MLPScore(network, process: VariancePreserving(), parameterization: .edm(sigmaData: 0.5, noiseScale: 3))
    let values = try [10, 20].map { try lineIntegral(of: plain, along: Self.detours($0), at: 0.3, condition: labels) }
    #expect((values[0] - values[1]).norm() > 1e-2 * values[0].norm())
    try expectNoLeaks { _ = try logDensityDifference(of: model, from: Self.start, to: Self.end, at: 0.3) }
  }

  /// ∫ ω(x dy − y dx) is 2ω times the area between the path and the origin.
  @Test func alongARotationTheWayMatters() throws {
    let (from, to) = (Tensor([1.0, 0, 0], shape: [1, 3]), Tensor([0.0, 1, 0], shape: [1, 3]))
    let corner = Tensor([1.0, 1, 0], shape: [1, 3])
    let model = CirculationTests.rotation(1.5)
    expectClose(try logDensityDifference(of: model, from: from, to: to, at: 1), Tensor([1.5]), rtol: 1e-13)
    expectClose(
      try logDensityDifference(of: model, along: .polylines(through: .stack([from, corner, to], along: 1)), at: 1),
      Tensor([3.0]), rtol: 1e-13)
    expectClose(try logDensityDifference(of: model, from: to, to: from, at: 1), Tensor([-1.5]), rtol: 1e-13)
  }

  /// n nodes integrate polynomials of degree 2n − 1 exactly, and no higher one.
  @Test(arguments: [1, 2, 5, 20]) func theRuleHasGaussianDegree(nodeCount: Int) throws {
    let (from, to) = (Tensor([-0.5], shape: [1, 1]), Tensor([1.0], shape: [1, 1]))
    for degree in [0, 1, 2 * nodeCount - 2, 2 * nodeCount - 1, 2 * nodeCount] {
      let model = FieldScore { $0.pow(Double(degree)) }
      let value = try logDensityDifference(of: model, from: from, to: to, at: 1, nodeCount: nodeCount).item()
      let exact = (1 - pow(-0.5, Double(degree + 1))) / Double(degree + 1)
      if degree < 2 * nodeCount {
        expectClose(value, exact, rtol: 1e-13)
      } else if nodeCount <= 5 {
        #expect((value - exact).magnitude > 1e-6)
      }
    }
  }

  @Test func badArgumentsGetASentence() {
    let model = CirculationTests.rotation(1)
    func expect(_ words: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void) {
      let error = #expect(throws: ConservativenessError.self, sourceLocation: sourceLocation) { try body() }
      expectSentence(error, mentions: words, sourceLocation: sourceLocation)
    }
    expect("[4, 3] and [2, 3]") {
      _ = try logDensityDifference(of: model, from: Self.start, to: Self.end[0..<2], at: 1)
    }
    expect("1 node") { _ = try logDensityDifference(of: model, from: Self.start, to: Self.end, at: 1, nodeCount: 0) }
    expect("energy is not finite") {
      let mixture = Mixtures.mixture(EDMProcess())
      _ = try logDensityDifference(of: mixture, from: Self.start / 0, to: Self.end, at: 1)
    }
    expect("4 curves") {
      let mixture = Mixtures.mixture(EDMProcess())
      _ = try logDensityDifference(of: mixture, from: Self.start, to: Self.end, at: 1, condition: Tensor([1]))
    }
  }
}
