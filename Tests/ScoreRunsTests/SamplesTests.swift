import ScoreKit
import TestSupport
import Testing

@Suite struct SamplesTests {
  private static func model(classCount: Int) throws -> any ScoreModel {
    let configuration = ModelConfiguration(
      mlp: .init(shape: [3], width: 16, blocks: 1, classCount: classCount), process: .init(.edm), sigmaData: 1)
    let model = try configuration.makeModel(seed: 1)
    // The last layer starts at 0, which would hide everything else.
    var generator = RandomGenerator(seed: 2)
    for parameter in model.parameters() { parameter.value = parameter.value + 0.1 * generator.normal(parameter.shape) }
    return model
  }

  @Test func sampleDependsOnItsOwnSeedAndLabel() throws {
    let model = try Self.model(classCount: 4)
    func samples(_ seeds: [UInt64], _ labels: [Int], batchSize: Int, guidance: Double = 1) throws -> Tensor {
      try HeunSampler(steps: 5).sample(
        from: model.guided(weight: guidance), process: EDMProcess(), shape: [3], seeds: seeds, batchSize: batchSize,
        condition: Tensor(labels))
    }
    let seeds = (0..<40).map { UInt64($0) * 3 }
    let labels = (0..<40).map { $0 % 4 }
    for guidance in [1, 2.5] {
      let all = try samples(seeds, labels, batchSize: 40, guidance: guidance)
      for batchSize in [1, 7, 16] {
        expectIdentical(try samples(seeds, labels, batchSize: batchSize, guidance: guidance), all)
      }
      expectIdentical(
        try samples([seeds[9], seeds[33]], [labels[9], labels[33]], batchSize: 2, guidance: guidance),
        all.gathering([9, 33]))
    }
    #expect(!((try samples([5], [0], batchSize: 1)) .== (try samples([5], [1], batchSize: 1))).all())
  }

  /// Points of the place c/5 for the class c, and 0 without one.
  private struct Placed: ScoreModel {
    func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
      let place = condition.map { ($0.to(x.dtype) * 0.2).reshaped(-1, 1) } ?? .zeros([1, 1], dtype: x.dtype)
      return (place - x) / t.to(x.dtype).reshaped(-1, 1).square()
    }
  }

  /// The last step of Heun's method ends in the denoised values.
  @Test(arguments: [1.0, 2, -3], [0.5, 0.1])
  func guidedSamplesStayWithinTheLimitOfDenoisedValues(_ guidance: Double, _ limit: Double) throws {
    let process = EDMProcess()
    let model = ClampedScore(Placed(), process: process, limit: limit)
    func samples(_ model: any ScoreModel) throws -> Tensor {
      try HeunSampler(steps: 4).sample(
        from: model.guided(weight: guidance), process: process, shape: [1], seeds: [1, 2, 3, 4, 5], batchSize: 3,
        condition: Tensor([0, 1, 2, 3, 4]))
    }
    let places = Tensor((0..<5).map { guidance * 0.2 * Double($0) }, shape: [5, 1])
    expectClose(try samples(model), places.clamped(to: -limit...limit), rtol: 0, atol: 1e-5)
    expectClose(try samples(model.base), places, rtol: 0, atol: 1e-5)
  }

  @Test func observerSeesEveryBatchInOrder() throws {
    let model = try Self.model(classCount: 0)
    var seen: [String] = []
    _ = try EulerSampler(steps: 2).sample(
      from: model, process: EDMProcess(), shape: [3], seeds: [1, 2, 3], batchSize: 2
    ) { seen.append("\($0.samples) \($0.step)") }
    #expect(seen == ["0..<2 1", "0..<2 2", "2..<3 1", "2..<3 2"])
  }

  @Test func picturesAreMagnifiedGridsOrScatterPlots() throws {
    let grid = try Image.picture(of: .zeros([5, 1, 8, 8]), columns: 3)
    #expect(grid.width == 3 * 66 + 2)
    #expect(grid.height == 2 * 66 + 2)
    #expect(try Image.picture(of: .zeros([4, 3, 100, 70])).width == 2 * 72 + 2)
    #expect(try Image.picture(of: .zeros([4, 2])).channels == 3)
    let points = Tensor([0.0, 0, 1, 1], shape: [2, 2])
    let over = try Image.picture(of: points, over: Tensor([0.0, 1, 1, 0], shape: [2, 2]))
    let alone = try Image.picture(of: points)
    #expect(over != alone && over.width == alone.width)
    for shape in [[4, 3], [4, 2, 8, 8], [4]] {
      #expect(throws: RunError.self) { try Image.picture(of: .zeros(shape)) }
    }
  }
}
