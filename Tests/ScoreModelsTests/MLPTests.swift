import ScoreModels
import TestSupport
import Testing
import Torch

@Suite struct MLPTests {
  private static func network(classCount: Int = 0, seed: UInt64 = 1) -> MLP {
    var generator = RandomGenerator(seed: seed, purpose: .initialization)
    return MLP(.init(shape: [1, 4, 3], width: 16, blocks: 2, classCount: classCount), using: &generator)
  }

  @Test func itIsAFunctionOfTheGenerator() {
    let (first, again, other) = (Self.network(), Self.network(), Self.network(seed: 2))
    for (name, value) in first.state() { expectIdentical(value, again.state()[name] ?? .zeros([]), name) }
    #expect(first.state()["input.weight"]?.floats != other.state()["input.weight"]?.floats)
  }

  @Test func itStartsAtZero() {
    let y = Self.network()(normal([2, 1, 4, 3]).to(.float32), noise: .ones([2]), condition: nil)
    #expect(y.shape == [2, 1, 4, 3] && !y.any())
  }

  @Test func labelsMatterAndTheLastOneMeansNone() {
    let network = Self.network(classCount: 3).randomized()
    let (x, noise) = (normal([2, 1, 4, 3]), Tensor([0.1, 0.2]))
    let unlabelled = network(x, noise: noise, condition: nil)
    expectIdentical(network(x, noise: noise, condition: Tensor([3, 3])), unlabelled)
    #expect((network(x, noise: noise, condition: Tensor([0, 3]))[0] - unlabelled[0]).norm() > 1e-3)
    let plain = Self.network().randomized()
    expectIdentical(
      plain(x, noise: noise, condition: Tensor([0, 1])), plain(x, noise: noise, condition: nil))
  }

  @Test func examplesDoNotDependOnEachOther() {
    let network = Self.network(classCount: 3).randomized()
    let (x, noise, labels) = (normal([3, 1, 4, 3]), Tensor([0.1, 0.2, 3]), Tensor([0, 1, 2]))
    let together = network(x, noise: noise, condition: labels)
    for i in 0..<3 {
      let alone = network(x[i..<(i + 1)], noise: noise[i..<(i + 1)], condition: labels[i..<(i + 1)])
      expectClose(alone, together[i..<(i + 1)], rtol: 1e-12, atol: 1e-12)
    }
  }
}
