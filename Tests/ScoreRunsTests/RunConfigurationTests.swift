import Foundation
import ScoreKit
import TestSupport
import Testing

@Suite struct RunConfigurationTests {
  @Test func fileHoldsTheNamesOfTheCommandLine() throws {
    var configuration = RunConfiguration()
    configuration.batchSize = 3
    configuration.process = .subVP
    let text = String(decoding: try configuration.encoded(), as: UTF8.self)
    #expect(text.contains("\"batch-size\" : 3"))
    #expect(text.contains("\"process\" : \"sub-vp\""))
    #expect(!text.contains("learning-rate"))
  }

  @Test func readingGivesWhatWasWritten() throws {
    try temporaryFolder { folder in
      let dataset = try Dataset.digits()
      var configuration = RunConfiguration()
      configuration.data = "digits"
      configuration.classConditional = true
      let (resolved, _) = try configuration.resolved(for: dataset)
      let path = "\(folder)/config.json"
      try resolved.encoded().write(to: URL(fileURLWithPath: path))
      #expect(try RunConfiguration(contentsOf: path) == resolved)
      // What was resolved stays as it is.
      #expect(try resolved.resolved(for: dataset).configuration == resolved)
    }
  }

  @Test func optionsThatAreLeftOutSuitTheData() throws {
    let (images, imageModel) = try RunConfiguration().resolved(for: Dataset.digits())
    #expect(images.model == .unet)
    #expect(imageModel.shape == [1, 8, 8])
    #expect(imageModel.classCount == 0)
    #expect(abs(imageModel.sigmaData - 0.752) < 0.01)
    let points = Dataset.points(.moons, count: 100, seed: 0)
    let (plane, planeModel) = try RunConfiguration().resolved(for: points)
    #expect(plane.model == .mlp)
    #expect(planeModel.mlp?.shape == [2])
    for configuration in [images, plane] {
      #expect(configuration.steps != nil && configuration.batchSize != nil && configuration.learningRate != nil)
      #expect(configuration.threads != nil && configuration.checkpointEvery != nil && configuration.warmup != nil)
    }
  }

  @Test func dataOfOneValueAreRefused() throws {
    let dataset = Dataset(name: "flat", examples: .zeros([5, 2]))
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
