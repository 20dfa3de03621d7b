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
      try model.samples(
        SampleRequest(
          sampler: HeunSampler(steps: 5), seeds: seeds, batchSize: batchSize, labels: labels, guidance: guidance),
        process: EDMProcess(), shape: [3])
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

  /// The last step of Heun's method ends in the denoised values.
  @Test(arguments: [1, 3, 10]) func guidedSamplesStayWithinTheLimitOfDenoisedValues(_ guidance: Double) throws {
    let process = EDMProcess()
    let model = ClampedScore(try Self.model(classCount: 4), process: process, limit: 0.25)
    func samples(_ model: any ScoreModel, batchSize: Int = 3) throws -> Tensor {
      try model.samples(
        SampleRequest(
          sampler: HeunSampler(steps: 4), seeds: [1, 2, 3, 4, 5], batchSize: batchSize, labels: [0, 1, 2, 3, 0],
          guidance: guidance),
        process: process, shape: [3])
    }
    let drawn = try samples(model)
    #expect(drawn.abs().max().item() <= 0.25 + 1e-6)
    #expect(try samples(model.base).abs().max().item() > 0.3)
    expectIdentical(try samples(model, batchSize: 5), drawn)
  }

  @Test func observerSeesEveryBatchInOrder() throws {
    let model = try Self.model(classCount: 0)
    var seen: [String] = []
    _ = try model.samples(
      SampleRequest(sampler: EulerSampler(steps: 2), seeds: [1, 2, 3], batchSize: 2), process: EDMProcess(), shape: [3]
    ) { samples, state in seen.append("\(samples) \(state.step)") }
    #expect(seen == ["0..<2 1", "0..<2 2", "2..<3 1", "2..<3 2"])
  }

  @Test func picturesAreMagnifiedGridsOrScatterPlots() throws {
    let grid = try Image.picture(of: .zeros([5, 1, 8, 8]), columns: 3)
    #expect(grid.width == 3 * 66 + 2)
    #expect(grid.height == 2 * 66 + 2)
    #expect(try Image.picture(of: .zeros([4, 3, 100, 70])).width == 2 * 72 + 2)
    #expect(try Image.picture(of: .zeros([4, 2])).channels == 3)
    for shape in [[4, 3], [4, 2, 8, 8], [4]] {
      #expect(throws: RunError.self) { try Image.picture(of: .zeros(shape)) }
    }
  }
}
