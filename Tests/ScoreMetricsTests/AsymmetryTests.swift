import Foundation
import ScoreMetrics
import ScoreModels
import TestSupport
import Testing
import Torch

/// A score that is a function of x alone, for fields that are known.
struct FieldScore: ScoreModel {
  let field: (Tensor) -> Tensor

  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor { field(x) }

  /// x ↦ M·x for each example.
  static func linear(_ matrix: Tensor) -> FieldScore {
    FieldScore { $0.flattened(from: 1).matmul(matrix.transposed()).reshaped($0.shape) }
  }
}

@Suite struct AsymmetryTests {
  static let process = EDMProcess()

  private static func measure(
    _ model: any ScoreModel, process: any DiffusionProcess = process, at sigmas: [Double] = [0.5],
    examples: Tensor, condition: Tensor? = nil, _ method: AsymmetryMethod = .automatic, batchSize: Int = 64,
    seed: UInt64 = 3
  ) throws -> [Asymmetry] {
    var generator = RandomGenerator(seed: seed, purpose: .probes)
    return try asymmetry(
      of: model, process: process, at: sigmas, examples: examples, condition: condition, method: method,
      batchSize: batchSize, using: &generator)
  }

  private static func network(features: Int = 5) -> MLP {
    var generator = RandomGenerator(seed: 6, purpose: .initialization)
    return MLP(.init(shape: [features], width: 8, blocks: 2, classCount: 3), using: &generator).randomized()
  }

  private static func squaredNorm(_ x: Tensor) -> Double { x.square().sum().item() }

  @Test func aLinearFieldHasTheAsymmetryOfItsMatrix() throws {
    let matrix = normal([4, 4])
    let result = try Self.measure(FieldScore.linear(matrix), examples: normal([7, 2, 2]), .exact)[0]
    let asym = 0.5 * Self.squaredNorm(matrix - matrix.transposed())
    expectClose(result.asym.value, asym, rtol: 1e-12)
    expectClose(result.nasym.value, asym / 2 / Self.squaredNorm(matrix), rtol: 1e-12)
    // The Jacobian is the same at each point.
    #expect(result.asym.standardError < 1e-12 && result.nasym.standardError < 1e-12)
    #expect(result.pointCount == 7 && result.isExact && result.sigma == 0.5)
  }

  /// For an antisymmetric matrix J·v = −Jᵀ·v, so NAsym = 1 for each probe; Asym = ½‖2Ω‖² = 2‖Ω‖².
  @Test(arguments: [AsymmetryMethod.exact, .probes(3)]) func aRotationIsEntirelyAsymmetric(method: AsymmetryMethod)
    throws
  {
    let matrix = normal([4, 4]) - normal([4, 4]).transposed()
    let result = try Self.measure(FieldScore.linear(matrix), examples: normal([50, 4]), method)[0]
    expectClose(result.nasym.value, 1, rtol: 1e-12)
    #expect(result.isExact == (method == .exact))
    let error = (result.asym.value - 2 * Self.squaredNorm(matrix)).magnitude
    #expect(error <= 4 * result.asym.standardError + 1e-10)
    // In the plane every probe gives the norm itself.
    let turn = try Self.measure(
      FieldScore.linear(Tensor([0.0, -3, 3, 0], shape: [2, 2])), examples: normal([5, 2]), method)[0]
    expectClose(turn.asym.value, 36, rtol: 1e-12)
  }

  @Test(arguments: [AsymmetryMethod.exact, .probes(2)]) func gradientsAreSymmetric(method: AsymmetryMethod) throws {
    let examples = normal([9, 3])
    let quartic = FieldScore { -$0.square() * $0 - $0.sum(1, keepingDimensions: true).sin() }
    let mixtures: [any ScoreModel] = Mixtures.processes.map(Mixtures.mixture)
    for (model, process) in zip([quartic] + mixtures, [Self.process] + Mixtures.processes) {
      for result in try Self.measure(model, process: process, at: [0.05, 0.4, 3], examples: examples, method) {
        #expect(result.nasym.value < 1e-22 && result.nasym.standardError < 1e-22)
        #expect(result.asym.value.isFinite && result.asym.value >= 0)
      }
    }
  }

  /// Keeps the points that a model is evaluated at.
  private final class Witness: ScoreModel {
    let base: any ScoreModel
    var points: [(x: Tensor, t: Tensor, condition: Tensor?)] = []
    init(_ base: any ScoreModel) { self.base = base }
    func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
      points.append((x.detached(), t, condition))
      return base.score(x, at: t, condition: condition)
    }
  }

  /// J by differences of fourth order, one example at a time.
  private static func differences(of model: any ScoreModel, at x: Tensor, _ t: Tensor, _ condition: Tensor?) -> Tensor {
    let step = 1e-3
    let columns = (0..<x.size(1)).map { column in
      let unit = Tensor.identity(x.size(1), dtype: .float64)[column]
      func value(_ multiple: Double) -> Tensor {
        withoutGradients { model.score(x + unit * (multiple * step), at: t, condition: condition) }
      }
      return (8 * (value(1) - value(-1)) - (value(2) - value(-2)))[0] / (12 * step)
    }
    return .stack(columns, along: 1)
  }

  @Test(arguments: [VariancePreserving() as any DiffusionProcess, EDMProcess()])
  func itIsThatOfJacobiansByFiniteDifferences(process: any DiffusionProcess) throws {
    let model = MLPScore(Self.network(), process: process, parameterization: .edm(sigmaData: 0.5, noiseScale: 3))
    let labels = Tensor([0, 1, 2, 3, 1])
    for condition in [nil, labels] {
      let witness = Witness(model)
      let sigmas = [0.3, 2]
      // The witness shows no parameters, so that it is measured in float64; the network is of float64 too.
      let results = try Self.measure(
        witness, process: process, at: sigmas, examples: normal([5, 5]), condition: condition, .exact, batchSize: 2)
      for (index, result) in results.enumerated() {
        let batches = witness.points[3 * index..<3 * index + 3]
        let x = Tensor.concatenate(batches.map(\.x))
        let t = Tensor.concatenate(batches.map(\.t))
        expectClose(process.sigma(t), Tensor.full([5], sigmas[index], dtype: .float64), rtol: 1e-9)
        let jacobians = (0..<5).map { i in
          Self.differences(of: model, at: x[i..<i + 1], t[i..<i + 1], condition?[i..<i + 1])
        }
        let asymmetries = jacobians.map { 0.5 * Self.squaredNorm($0 - $0.transposed()) }
        let squares = jacobians.map(Self.squaredNorm)
        expectClose(result.asym.value, asymmetries.reduce(0, +) / 5, rtol: 1e-7)
        expectClose(result.nasym.value, asymmetries.reduce(0, +) / 2 / squares.reduce(0, +), rtol: 1e-7)
        #expect(result.nasym.value > 1e-3 && result.nasym.value < 1)
        let spread = Tensor(asymmetries).variance(0).item()
        expectClose(result.asym.standardError, (spread / 5).squareRoot(), rtol: 1e-6)
      }
    }
  }

  @Test func energyModelsAreSymmetricInSinglePrecision() throws {
    var generator = RandomGenerator(seed: 4)
    let points = EnergyScore(
      EnergyNetwork(Self.network(features: 6)), process: Self.process, parameterization: .edm(sigmaData: 0.5))
    let unet = UNet2D(.init(channels: [4, 8], attentionLevels: [1]), using: &generator).randomized()
    let images = EnergyScore(EnergyNetwork(unet), process: Self.process, parameterization: .edm(sigmaData: 0.5))
    let plain = NetworkScore(unet, process: Self.process, parameterization: .edm(sigmaData: 0.5))
    for model in [points, images, plain] as [any ScoreModel] { model.convert(to: .float32) }
    let (x, pictures) = (normal([20, 6]), normal([6, 1, 4, 4]))
    for method in [AsymmetryMethod.exact, .probes(2), .automatic] {
      let results =
        try Self.measure(points, at: [0.05, 1, 20], examples: x, condition: Tensor((0..<20).map { $0 % 4 }), method)
        + Self.measure(images, at: [0.2, 2], examples: pictures, method)
      for result in results { #expect(result.nasym.value < 1e-10) }
    }
    #expect(try Self.measure(plain, at: [0.5], examples: pictures)[0].nasym.value > 1e-4)
  }

  @Test(arguments: [AsymmetryMethod.exact, .probes(2)])
  func theSizeOfTheBatchAndTheOtherLevelsDoNotMatter(method: AsymmetryMethod) throws {
    let model = MLPScore(Self.network(), process: Self.process, parameterization: .edm(sigmaData: 0.5))
    let (x, labels) = (normal([7, 5]), Tensor([0, 1, 2, 3, 2, 1, 0]))
    let all = try Self.measure(model, at: [0.1, 1, 10], examples: x, condition: labels, method)
    for size in [1, 3] {
      for (result, expected) in zip(
        try Self.measure(model, at: [0.1, 1, 10], examples: x, condition: labels, method, batchSize: size), all)
      {
        expectClose(result.nasym.value, expected.nasym.value, rtol: 1e-10)
        expectClose(result.asym.value, expected.asym.value, rtol: 1e-10)
        expectClose(result.asym.standardError, expected.asym.standardError, rtol: 1e-8)
      }
    }
    #expect(try Self.measure(model, at: [1], examples: x, condition: labels, method) == [all[1]])
    #expect(try Self.measure(model, at: [1], examples: x, condition: labels, method, seed: 4) != [all[1]])
    #expect(try Self.measure(model, at: [1], examples: x, method) != [all[1]])
  }

  @Test func eachBatchIsObservedAndCanBeTheLast() throws {
    struct Stop: Error {}
    let model = FieldScore { $0.tanh() }
    func shares(stoppingAt last: Double) throws -> [Double] {
      var (shares, generator) = ([Double](), RandomGenerator(seed: 1))
      func measure() throws {
        _ = try asymmetry(
          of: model, process: Self.process, at: [0.1, 1], examples: normal([8, 2]), batchSize: 3, using: &generator
        ) { share in
          shares.append(share)
          if share >= last { throw Stop() }
        }
      }
      if last <= 1 { #expect(throws: Stop.self) { try measure() } } else { try measure() }
      return shares
    }
    let expected = [3.0, 6, 8, 11, 14, 16].map { $0 / 16 }
    expectClose(Tensor(try shares(stoppingAt: 2)), Tensor(expected), rtol: 1e-14)
    #expect(try shares(stoppingAt: 0.6).count == 4)
    #expect(try shares(stoppingAt: 2).last == 1)
  }

  @Test func itLeavesNothingRecorded() throws {
    let model = MLPScore(Self.network(), process: Self.process, parameterization: .edm(sigmaData: 0.5))
    for method in [AsymmetryMethod.exact, .probes(2)] {
      let x = normal([3, 5])
      let expected = try Self.measure(model, examples: x, method)
      try expectNoLeaks { _ = try Self.measure(model, examples: x, method) }
      #expect(try withoutGradients { try Self.measure(model, examples: x, method) } == expected)
    }
  }

  /// Backward passes of the whole batch are counted by a function with a derivative of its own.
  @Test func theExactJacobianTakesAPassForEachCoordinate() throws {
    let counter = Counter()
    let model = CountingScore(counter: counter)
    let result = try Self.measure(model, examples: normal([8, 5]), .exact)[0]
    #expect(counter.count == 5 && result.nasym.value == 0 && result.asym.value == 0)
  }

  private final class Counter { var count = 0 }

  private struct CountingScore: ScoreModel {
    let counter: Counter

    func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
      do {
        return try customFunction([x]) {
          [$0[0].square()]
        } backward: { cotangents in
          counter.count += 1
          return [cotangents[0] * x * 2]
        }[0]
      } catch { return .full(like: x, .nan) }
    }
  }
}
