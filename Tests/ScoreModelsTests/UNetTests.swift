import ScoreModels
import TestSupport
import Testing
import Torch

@Suite struct UNetTests {
  private static func network(
    _ configuration: UNet2D.Configuration, seed: UInt64 = 3
  ) -> UNet2D {
    var generator = RandomGenerator(seed: seed, purpose: .initialization)
    return UNet2D(configuration, zeroOutput: false, using: &generator)
  }

  private static func small(
    channels: [Int] = [8, 16], inputChannels: Int = 1, classCount: Int = 0, attentionLevels: Set<Int> = [1]
  ) -> UNet2D.Configuration {
    UNet2D.Configuration(
      channels: channels, layersPerBlock: 1, attentionLevels: attentionLevels, inputChannels: inputChannels,
      classCount: classCount)
  }

  @Test(arguments: [[30, 21], [8, 8], [1, 1], [5, 64], [7, 7]], [1, 3])
  func imagesOfAnySizeKeepTheirShape(size: [Int], channels: Int) {
    var random = RandomGenerator(seed: 1)
    let x = random.normal([2, channels] + size)
    let network = Self.network(Self.small(channels: [8, 8, 16], inputChannels: channels))
    let y = network(x, noise: Tensor([0.3, -1] as [Float]), condition: nil)
    #expect(y.shape == x.shape)
    #expect(y.allFinite)
    #expect(y.norm() > 0)
  }
}
