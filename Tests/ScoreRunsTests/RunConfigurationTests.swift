import Foundation
import ScoreKit
import TestSupport
import Testing

@testable import ScoreRuns

@Suite struct RunConfigurationTests {
  @Test func fileHoldsTheNamesOfTheCommandLine() throws {
    var configuration = RunConfiguration()
    configuration.batchSize = 3
    configuration.process = .subVP
    let text = String(decoding: try configuration.encoded(), as: UTF8.self)
    #expect(text.contains("\"batch-size\" : 3"))
    #expect(text.contains("\"process\" : \"sub-vp\""))
    #expect(!text.contains("learning-rate"))
    // An option that is not set is left out, as it always was.
    #expect(!text.contains("null") && !text.contains("labels"))
  }

  @Test func readingGivesWhatWasWritten() throws {
    try temporaryFolder { folder in
      let dataset = try Dataset.digits()
      var configuration = RunConfiguration()
      configuration.data = "digits"
      configuration.classConditional = true
      let (resolved, _) = try configuration.resolved(for: dataset)
      let path = "\(folder)/config.json"
      try resolved.options.encoded().write(to: URL(fileURLWithPath: path))
      #expect(try RunConfiguration(contentsOf: path) == resolved.options)
      // What was resolved stays as it is.
      #expect(try resolved.options.resolved(for: dataset).configuration == resolved)
    }
  }

  @Test func optionsThatAreLeftOutSuitTheData() throws {
    let (images, imageModel) = try RunConfiguration().resolved(for: Dataset.digits())
    #expect(images.options.model == .unet && images.network == .unet(channels: [32, 64], blocks: 1))
    #expect(imageModel.shape == [1, 8, 8])
    #expect(imageModel.classCount == 0)
    #expect(abs(imageModel.sigmaData - 0.752) < 0.01)
    let points = Dataset.points(.moons, count: 100, seed: 0)
    let (plane, planeModel) = try RunConfiguration().resolved(for: points)
    #expect(plane.options.model == .mlp && plane.network == .mlp(width: 128, blocks: 3))
    #expect(planeModel.mlp?.shape == [2])
    #expect((images.steps, images.batchSize, images.learningRate) == (1500, 128, 2e-3))
    #expect((plane.steps, plane.batchSize, plane.warmup) == (5000, 512, 250))
    // The file has what is used, and nothing that is open.
    for configuration in [images, plane] {
      let options = configuration.options
      #expect(options.steps == configuration.steps && options.batchSize == configuration.batchSize)
      #expect(options.learningRate == configuration.learningRate && options.ema == configuration.ema)
      #expect(options.warmup == configuration.warmup && options.threads == configuration.threads)
      #expect(options.checkpointEvery == configuration.checkpointEvery)
      #expect(options.sampleEvery == configuration.sampleEvery && options.weighting == configuration.weighting)
    }
  }

  @Test func everyPropertyIsAnOptionOfTheFile() throws {
    let properties = Mirror(reflecting: RunConfiguration()).children.compactMap(\.label)
    let names = properties.map { name in
      name.reduce(into: "") { $0 += $1.isUppercase ? "-\($1.lowercased())" : "\($1)" }
    }
    #expect(Set(names) == Set(RunConfiguration.options.map(\.name)))
    // Each is written, read again and compared.
    let file = try JSONEncoder().encode(Self.changed)
    #expect(try JSONDecoder().decode(RunConfiguration.self, from: file) == Self.changed)
    for option in RunConfiguration.options {
      #expect(!option.isEqual(Self.changed, RunConfiguration()), "\(option.name)")
    }
  }

  /// A configuration of which no option has its default.
  private static var changed: RunConfiguration {
    var options = RunConfiguration()
    (options.dataOptions, options.modelOptions) = (.object(["count": .integer(3)]), .object(["width": .integer(4)]))
    (options.processOptions, options.objectiveOptions) = (.object([:]), .object(["c": .number(0.5)]))
    (options.constraint, options.constraintOptions) = ("own", .object(["sum": .flag(true)]))
    (options.sigmaMin, options.sigmaMax, options.noiseMean, options.noiseDeviation) = (0.5, 20, -1, 0.75)
    (options.data, options.labels, options.loading, options.model) = ("a", "b", .stream, .unet)
    (options.width, options.channels, options.blocks, options.process) = (3, [4, 8], 5, .vp)
    (options.objective, options.weighting, options.flip, options.shift) = (.sliced, .minSNR, .both, 6)
    (options.conservative, options.penaltyWeight, options.projectionEvery) = (.penalty, 7, 8)
    (options.sparsity, options.steps, options.batchSize, options.learningRate) = (0.5, 9, 10, 11)
    (options.warmup, options.decay, options.weightDecay, options.gradientClip) = (12, .linear, 13, 14)
    (options.ema, options.classConditional, options.seed, options.device) = (0.25, true, 15, "cpu")
    (options.threads, options.checkpointEvery, options.sampleEvery, options.tensorboard) = (1, 16, 17, true)
    return options
  }

  @Test func wrongValuesAreNamed() {
    var options = RunConfiguration()
    options.learningRate = -1
    let error = #expect(throws: RunError.self) { try options.validate() }
    #expect(error?.description == "learning-rate needs a positive number, not -1.0")
    #expect(error?.sentence.text { "--\($0)" } == "--learning-rate needs a positive number, not -1.0")
    #expect(error?.kind == .usage)
  }

  @Test func dataOfOneValueAreRefused() throws {
    let dataset = try Dataset(name: "flat", examples: .zeros([5, 2]))
    #expect(throws: RunError.self) { try RunConfiguration().resolved(for: dataset) }
  }

  @Test func differenceNamesTheFirstOption() throws {
    var (one, two) = (RunConfiguration(), RunConfiguration())
    #expect(one.difference(from: two, except: []) == nil)
    one.channels = [8, 8]
    two.channels = [8, 16]
    #expect(one.difference(from: two, except: []) == "channels")
    #expect(one.difference(from: two, except: ["channels"]) == nil)
    two = one
    two.steps = 3
    #expect(one.difference(from: two, except: RunConfiguration.changeableOnResume) == nil)
  }
}

@Suite struct NPYFileTests {
  @Test(arguments: [[2, 3], [5], [], [0, 4], [2, 1, 3, 2]])
  func headerIsThatOfNumPy(_ shape: [Int]) throws {
    try temporaryFolder { folder in
      let count = shape.reduce(1, *)
      let tensor = Tensor((0..<count).map { Float($0) + 0.5 }, shape: shape)
      for (values, type) in [(tensor, "<f4"), (tensor.to(.float64), "<f8")] {
        try NPYFile.write(values, to: "\(folder)/a.npy")
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/a.npy"))
        #expect(Array(data.prefix(8)) == [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0])
        let length = Int(data[8]) + 256 * Int(data[9])
        #expect((10 + length) % 64 == 0)
        let header = String(decoding: data[10..<(10 + length)], as: UTF8.self)
        let lengths = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
        #expect(header.hasPrefix("{'descr': '\(type)', 'fortran_order': False, 'shape': (\(lengths)), }"))
        #expect(header.hasSuffix("\n"))
        #expect(data.count == 10 + length + count * (type == "<f4" ? 4 : 8))
        if type == "<f4", count > 0 {
          let last = data.suffix(4).withUnsafeBytes { $0.loadUnaligned(as: Float.self) }
          #expect(last == Float(count) - 0.5)
        }
      }
    }
  }
}
