import ScoreModels
import TestSupport
import Testing
import Torch

@Suite struct FixedBatchScoreTests {
  static let process = EDMProcess()

  /// A small convolutional network with group normalisation, nothing of which starts at 0.
  struct Convolutions: ScoreNetwork {
    let first: Conv2d
    let noise: Linear
    let norm: GroupNorm
    let second: Conv2d

    init(using generator: inout RandomGenerator) {
      first = Conv2d(3, 16, kernel: 3, using: &generator)
      noise = Linear(1, 16, using: &generator)
      norm = GroupNorm(16, groups: 4)
      second = Conv2d(16, 3, kernel: 3, using: &generator)
    }

    func callAsFunction(_ x: Tensor, noise level: Tensor, condition: Tensor?) -> Tensor {
      let embedding = noise(level.expandingDimension(at: 1)).broadcastable(toRank: 4)
      return second(norm(first(x) + embedding).silu())
    }
  }

  /// Networks by name, with the shape of their examples.
  static func model(_ name: String) -> (model: any ScoreModel, shape: [Int]) {
    var generator = RandomGenerator(seed: 11, purpose: .initialization)
    let parameterization = Parameterization.edm(sigmaData: 0.5)
    switch name {
    case "MLP":
      let model = NetworkScore(
        MLP(.init(shape: [6], width: 48, blocks: 2, classCount: 3), using: &generator), process: process,
        parameterization: parameterization)
      fillZeros(of: model, using: &generator)
      return (model, [6])
    case "energy":
      let model = NetworkScore(
        EnergyNetwork(MLP(.init(shape: [6], width: 48, blocks: 2, classCount: 3), using: &generator)),
        process: process, parameterization: parameterization)
      fillZeros(of: model, using: &generator)
      return (model, [6])
    default:
      let model = NetworkScore(Convolutions(using: &generator), process: process, parameterization: parameterization)
      return (model, [3, 12, 12])
    }
  }

  /// A network's last layer starts at 0; so that its kernels matter, all parameters become random numbers.
  static func fillZeros(of model: some ScoreModel, using generator: inout RandomGenerator) {
    for parameter in model.parameters() { parameter.value = parameter.value + 0.1 * generator.normal(parameter.shape) }
  }

  /// The energy network starts at multiples of 4 only: the gradient of its first layer is a product with an untransposed
  /// matrix of 6 columns, whose rows MKL computes by their alignment in memory.
  @Test(arguments: [("MLP", 1), ("energy", 4), ("convolutions", 1)])
  func resultsDependNeitherOnTheSizeOfTheBatchNorOnThePlaceInIt(_ name: String, _ step: Int) {
    let (base, shape) = Self.model(name)
    let model = FixedBatchScore(base)
    var generator = RandomGenerator(seed: 3)
    let x = generator.normal([64] + shape)
    let t = generator.uniform([64]) * 2 + 0.1
    let labels = generator.integers(below: 3, [64])
    let score = model.score(x, at: t, condition: labels)
    let denoised = model.denoised(x, at: t, process: Self.process, condition: labels)
    #expect(score.shape == x.shape)
    for count in [1, 7, 16, 64] {
      for start in Set([0, min(5, 64 - count), 64 - count].map { $0 / step * step }) {
        let part = start..<(start + count)
        expectIdentical(
          model.score(x[part], at: t[part], condition: labels[part]), score[part], "score of \(part)")
        expectIdentical(
          model.denoised(x[part], at: t[part], process: Self.process, condition: labels[part]), denoised[part],
          "denoiser of \(part)")
      }
    }
    if step > 1 { return }
    let reversed = model.score(x.flipped(0), at: t.flipped(0), condition: labels.flipped(0))
    expectIdentical(reversed.flipped(0), score, "in reverse order")
  }

  @Test(arguments: [1, 3, 16, 100])
  func resultsAreThoseOfTheBaseModel(_ batchSize: Int) {
    let (base, shape) = Self.model("MLP")
    let model = FixedBatchScore(base, batchSize: batchSize)
    var generator = RandomGenerator(seed: 4)
    let x = generator.normal([21] + shape)
    let t = generator.uniform([21]) + 0.1
    let labels = generator.integers(below: 3, [21])
    expectClose(model.score(x, at: t, condition: labels), base.score(x, at: t, condition: labels))
    expectClose(model.score(x, at: t, condition: nil), base.score(x, at: t, condition: nil))
    expectClose(
      model.denoised(x, at: t, process: Self.process, condition: labels),
      base.denoised(x, at: t, process: Self.process, condition: labels))
  }

  /// So are energies, in batches of the same size; 8 places further the alignment is the same (see above).
  @Test func energiesAreThoseOfTheBaseModelAtAnySizeOfTheBatch() throws {
    let (base, shape) = Self.model("energy")
    let energy = try #require(FixedBatchScore(base).energyModel)
    var generator = RandomGenerator(seed: 5)
    let x = generator.normal([40] + shape)
    let t = generator.uniform([40]) + 0.1
    let labels = generator.integers(below: 3, [40])
    let all = energy.energy(x, at: t, condition: labels)
    #expect(all.shape == [40])
    expectClose(all, try #require(base.energyModel).energy(x, at: t, condition: labels))
    expectClose(all, try #require(energy.energyModel).energy(x, at: t, condition: labels))
    for part in [0..<1, 8..<9, 8..<31, 16..<40] {
      expectIdentical(energy.energy(x[part], at: t[part], condition: labels[part]), all[part], "\(part)")
    }
    expectIdentical(
      energy.score(x, at: t, condition: labels), FixedBatchScore(base).score(x, at: t, condition: labels))
    expectIdentical(
      energy.denoised(x, at: t, process: Self.process, condition: labels),
      FixedBatchScore(base).denoised(x, at: t, process: Self.process, condition: labels))
    #expect(energy.namedParameters().map(\.name) == base.namedParameters().map(\.name))
    #expect(energy.energy(.zeros([0, 6]), at: .zeros([0])).shape == [0])
    #expect(FixedBatchScore(Self.model("MLP").model).energyModel == nil)
  }

  /// Counts evaluations and the examples in each.
  final class Recorder: @unchecked Sendable { var sizes: [Int] = [] }
  struct Recording: ScoreModel {
    let recorder: Recorder
    func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
      recorder.sizes.append(x.size(0))
      return -x
    }
  }

  @Test func everyEvaluationHasTheSameSize() {
    let recorder = Recorder()
    let model = FixedBatchScore(Recording(recorder: recorder), batchSize: 4)
    let x = Tensor.linspace(0, 1, count: 9).reshaped(9, 1)
    expectIdentical(model.score(x, at: .ones([9])), -x)
    #expect(recorder.sizes == [4, 4, 4])
    #expect(model.score(.zeros([0, 2]), at: .zeros([0])).shape == [0, 2])
  }

  @Test func parametersKeepTheirNames() {
    let (base, _) = Self.model("MLP")
    #expect(FixedBatchScore(base).namedParameters().map(\.name) == base.namedParameters().map(\.name))
    #expect(FixedBatchScore(base).computationDType == .float32)
  }
}
