import ScoreModels
import TestSupport
import Testing
import Torch

@Suite struct UNetTests {
  private static func network(
    channels: [Int] = [8, 16], inputChannels: Int = 1, classCount: Int = 0, attentionLevels: Set<Int> = [1],
    zeroOutput: Bool = false, seed: UInt64 = 3, _ change: (inout UNet2D.Configuration) -> Void = { _ in }
  ) -> UNet2D {
    var generator = RandomGenerator(seed: seed, purpose: .initialization)
    var configuration = UNet2D.Configuration(
      channels: channels, layersPerBlock: 1, attentionLevels: attentionLevels, inputChannels: inputChannels,
      classCount: classCount)
    change(&configuration)
    return UNet2D(configuration, zeroOutput: zeroOutput, using: &generator)
  }

  @Test(arguments: [[30, 21], [8, 8], [1, 1], [5, 64], [7, 7]], [1, 3])
  func imagesOfAnySizeKeepTheirShape(size: [Int], channels: Int) {
    let x = normal([2, channels] + size).to(.float32)
    let network = Self.network(channels: [8, 8, 16], inputChannels: channels)
    let y = network(x, noise: Tensor([0.3, -1] as [Float]), condition: nil)
    #expect(y.shape == x.shape && y.allFinite && y.norm() > 0)
  }

  @Test(arguments: [0, 1], [UNet2D.Configuration.Resampling.conv, .resnet])
  func everyResamplingTakesOddSizes(padding: Int, resampling: UNet2D.Configuration.Resampling) {
    let network = Self.network(channels: [8, 8, 16], attentionLevels: [0, 1]) {
      $0.downsamplePadding = padding
      $0.downsampleType = resampling
      $0.upsampleType = resampling
    }
    let x = normal([1, 1, 30, 21]).to(.float32)
    let y = network(x, noise: Tensor([2] as [Float]), condition: nil)
    #expect(y.shape == x.shape && y.allFinite && y.norm() > 0)
  }

  @Test func everyPixelSeesEveryOther() {
    let network = Self.network(attentionLevels: []).randomized()
    let x = normal([1, 1, 9, 7]).variable()
    let y = network(x, noise: Tensor([0.5]), condition: nil)
    let gradient = y[0, 0, 0, 0].gradient(withRespectTo: x)
    #expect((gradient .== 0).any() == false)
  }

  @Test func itIsAFunctionOfTheGenerator() {
    let (first, again, other) = (Self.network().state(), Self.network().state(), Self.network(seed: 4).state())
    #expect(first.keys == again.keys)
    for (name, value) in first { expectIdentical(value, again[name] ?? .zeros([]), name) }
    #expect(first["conv_in.weight"]?.floats != other["conv_in.weight"]?.floats)
  }

  @Test func itStartsAtZeroIfAsked() {
    let x = normal([2, 1, 8, 8]).to(.float32)
    #expect(!Self.network(zeroOutput: true)(x, noise: .ones([2]), condition: nil).any())
    #expect(Self.network(zeroOutput: false)(x, noise: .ones([2]), condition: nil).norm() > 0)
  }

  @Test func labelsMatterAndTheLastOneMeansNone() {
    let network = Self.network(classCount: 10).randomized()
    #expect(network.configuration.numClassEmbeds == 11)
    let (x, noise) = (normal([2, 1, 8, 8]), Tensor([0.1, 0.2]))
    let unlabelled = network(x, noise: noise, condition: nil)
    expectIdentical(network(x, noise: noise, condition: Tensor([10, 10])), unlabelled)
    #expect((network(x, noise: noise, condition: Tensor([9, 10]))[0] - unlabelled[0]).norm() > 1e-3)
  }

  @Test func theNoiseLevelMatters() {
    let network = Self.network().randomized()
    let x = normal([1, 1, 8, 8])
    let (low, high) = (
      network(x, noise: Tensor([-2.0]), condition: nil), network(x, noise: Tensor([2.0]), condition: nil)
    )
    #expect((low - high).norm() > 1e-3)
  }

  @Test func examplesDoNotDependOnEachOther() {
    let network = Self.network(classCount: 3).randomized()
    let (x, noise, labels) = (normal([3, 1, 6, 5]), Tensor([0.1, 0.2, 3]), Tensor([0, 1, 2]))
    let together = network(x, noise: noise, condition: labels)
    for i in 0..<3 {
      let alone = network(x[i..<(i + 1)], noise: noise[i..<(i + 1)], condition: labels[i..<(i + 1)])
      expectClose(alone, together[i..<(i + 1)], rtol: 1e-11, atol: 1e-11)
    }
  }

  @Test func nothingIsKeptAfterACall() {
    let network = Self.network()
    let (x, noise) = (normal([1, 1, 8, 8]).to(.float32), Tensor([0.1] as [Float]))
    expectNoLeaks {
      _ = network(x, noise: noise, condition: nil).sum().gradient(withRespectTo: network.parameters()[0].value)
    }
  }
}
