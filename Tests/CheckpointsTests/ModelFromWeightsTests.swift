import Checkpoints
import Foundation
import ScoreModels
import TestSupport
import Testing
import Torch

@Suite struct ModelFromWeightsTests {
  private static let mlp = ModelConfiguration(
    mlp: .init(shape: [2], width: 8, blocks: 2, classCount: 3), process: .init(.edm), sigmaData: 0.5)
  private static let unet = ModelConfiguration(
    unet: .init(channels: [4, 8], attentionLevels: [1], classCount: 2), shape: [1, 4, 4], process: .init(.ddpm),
    sigmaData: 0.5)

  private static func changed(
    _ configuration: ModelConfiguration, _ change: (inout ModelConfiguration) -> Void
  ) -> ModelConfiguration {
    var copy = configuration
    change(&copy)
    return copy
  }

  static let valid = [
    mlp, unet, changed(mlp) { $0.isEnergy = true },
    changed(unet) { ($0.learnsUncertainty, $0.isEnergy) = (true, true) },
    changed(unet) { $0.unet?.timeEmbeddingType = .fourier },
  ]

  // MARK: Weights

  @Test(arguments: valid)
  func aModelFromWeightsIsTheOneThatTheyWereTakenFrom(_ configuration: ModelConfiguration) throws {
    let model = try configuration.makeModel(seed: 3)
    for (index, parameter) in model.parameters().enumerated() {
      var generator = RandomGenerator(seed: UInt64(index))
      parameter.value = generator.normal(parameter.shape) * 0.3
    }
    let read = try configuration.makeModel(weights: model.state())
    #expect(read.namedParameters().map(\.name) == model.namedParameters().map(\.name))
    let x = normal([2] + configuration.shape).to(.float32)
    let (t, labels) = (Tensor([0.7, 1.9]).to(.float32), Tensor([0, 1]))
    expectIdentical(read.score(x, at: t, condition: labels), model.score(x, at: t, condition: labels))
    #expect(read.parameters().allSatisfy { $0.value.requiresGradient })
  }

  /// Each of them would take gigabytes, or as many objects as there are blocks.
  static let lies: [(ModelConfiguration, String)] = [
    (changed(mlp) { $0.mlp?.width = 16_000 }, "shape"),
    (
      changed(mlp) {
        $0.mlp = .init(shape: [2], width: 1_500, blocks: 2, classCount: 1_000_000)
        $0.classCount = 1_000_000
      }, "shape"
    ),
    (changed(mlp) { $0.mlp = .init(shape: [2], width: 2, blocks: 300_000_000, classCount: 3) }, "tensors"),
    (changed(unet) { $0.unet?.blockOutChannels = [4096, 8192] }, "shape"),
    (changed(unet) { $0.unet?.layersPerBlock = 64 }, "tensors"),
    (
      changed(unet) {
        $0.unet?.numClassEmbeds = 10_000_000
        $0.classCount = 9_999_999
      }, "shape"
    ),
    (changed(unet) { $0.unet?.timeEmbeddingDim = 65_536 }, "shape"),
    (changed(mlp) { $0.learnsUncertainty = true }, "lack"),
  ]

  @Test(arguments: lies)
  func aConfigurationThatClaimsMoreThanItsWeightsTakesNoMemory(_ lie: ModelConfiguration, _ word: String) throws {
    let weights = try (lie.mlp == nil ? Self.unet : Self.mlp).makeModel(seed: 0).state()
    let before = peakMemory()
    let clock = ContinuousClock()
    let time = clock.measure {
      for refusal in [
        #expect(throws: (any Error).self) { try lie.makeModel(weights: weights) },
        #expect(throws: (any Error).self) { try lie.check(weights: weights) },
      ] { expectSentence(refusal, mentions: word) }
    }
    #expect(peakMemory() - before < 512 << 20)
    #expect(time < .seconds(10))
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func weightsThatAreNotFiniteAreRefusedByName(_ value: Float) throws {
    var weights = try Self.mlp.makeModel(seed: 0).state()
    weights["blocks.1.second.bias"] = Tensor([1, 2, 3, value, 5, 6, 7, 8])
    let error = #expect(throws: StateMismatch.self) { try Self.mlp.makeModel(weights: weights) }
    #expect(error == .notFinite("blocks.1.second.bias"))
    // Finite as it is in the file, and not as a weight.
    weights["blocks.1.second.bias"] = Tensor([1, 2, 3, 1e300, 5, 6, 7, 8] as [Double])
    #expect(throws: StateMismatch.notFinite("blocks.1.second.bias")) { try Self.mlp.check(weights: weights) }
  }

  /// The most memory that the process has had, in bytes.
  private func peakMemory() -> Int {
    let lines = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8))?.split(separator: "\n") ?? []
    let line = lines.first { $0.hasPrefix("VmHWM:") }?.split(whereSeparator: \.isWhitespace)
    return (line.flatMap { Int($0[1]) } ?? 0) << 10
  }

  // MARK: Numbers

  @Test(arguments: [
    changed(mlp) { $0.sigmaData = 1e300 }, changed(mlp) { $0.sigmaData = 1e-300 },
    changed(mlp) { $0.noiseScale = -1e300 },
    changed(mlp) { $0.denoisedLimit = 1e300 }, changed(mlp) { $0.denoisedLimit = 0 },
    changed(mlp) { $0.shape = Array(repeating: 1, count: 100_000) }, changed(mlp) { $0.shape = [] },
    changed(mlp) { $0.mlp?.shape = Array(repeating: 1, count: 100_000) },
    changed(unet) {
      $0.unet?.downsamplePadding = 0
      $0.shape = [1, 1, 4]
    },
    changed(unet) {
      $0.unet?.downBlockTypes = [.resnet, .plain]
      $0.shape = [1, 4, 1]
    },
    changed(mlp) { $0.mlp = nil },
  ])
  func numbersThatNoModelHasAreRefused(_ configuration: ModelConfiguration) throws {
    for error in [
      #expect(throws: ModelConfigurationError.self) { try configuration.makeModel(seed: 0) },
      #expect(throws: ModelConfigurationError.self) { try configuration.makeModel(weights: [:]) },
    ] {
      expectSentence(error, mentions: " ")
      #expect((error?.description.count ?? 0) < 300)
    }
  }

  @Test func imagesAreAsLargeAsHalvingThemNeeds() throws {
    var configuration = Self.changed(Self.unet) { $0.shape = [1, 1, 1] }
    func output() throws -> Tensor {
      let shape = [1] + configuration.shape
      return try configuration.makeModel(seed: 0).score(.zeros(shape), at: .full([1], 5))
    }
    #expect(try output().shape == [1, 1, 1, 1])
    configuration.unet?.downsamplePadding = 0
    configuration.shape = [1, 2, 3]
    #expect(try output().shape == [1, 1, 2, 3])
  }
}
