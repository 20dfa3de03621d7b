import TestSupport
import Testing
import Torch

struct SampleGeneratorsTests {
  @Test(arguments: [DType.float32, .float64]) func samplesDoNotDependOnTheBatch(_ dtype: DType) {
    let seeds: [UInt64] = [0, 1, 7, .max, 1 << 33, 3, 2]
    // An odd number of elements, so that rows do not end with a block.
    let shape = [3, 5, 7]
    var all = SampleGenerators(seeds: seeds)
    let batch = [all.normal(shape, dtype: dtype), all.uniform(shape, dtype: dtype), all.normal(shape, dtype: dtype)]
    for (index, seed) in seeds.enumerated() {
      var alone = SampleGenerators(seeds: [seed])
      let own = [
        alone.normal(shape, dtype: dtype), alone.uniform(shape, dtype: dtype), alone.normal(shape, dtype: dtype),
      ]
      for (part, whole) in zip(own, batch) { expectIdentical(part[0], whole[index]) }
    }
    var reversed = SampleGenerators(seeds: seeds.reversed())
    expectIdentical(reversed.normal(shape, dtype: dtype), batch[0].flipped(0))
  }

  @Test func aSampleIsAStreamOfItsOwn() {
    var samples = SampleGenerators(seeds: [4, 5])
    var single = RandomGenerator(seed: 5, purpose: .sampling)
    expectIdentical(samples.normal([2, 3])[1], single.normal([2, 3]))
    expectIdentical(samples.uniform([9])[1], single.uniform([9]))
  }

  @Test func signsAreThoseOfASampleAlone() {
    var samples = SampleGenerators(seeds: [4, 5], purpose: .probes)
    var single = RandomGenerator(seed: 5, purpose: .probes)
    let signs = samples.signs([1000], dtype: .float64)
    expectIdentical(signs[1], single.signs([1000], dtype: .float64))
    expectIdentical(signs.square(), .ones([2, 1000], dtype: .float64))
    #expect(abs(signs[0].mean().item()) < 4 / 1000.0.squareRoot())
    #expect(abs((signs[0] * signs[1]).mean().item()) < 4 / 1000.0.squareRoot())
    var others = SampleGenerators(seeds: [4, 5], purpose: .evaluation)
    #expect(abs((signs[0] * others.signs([1000], dtype: .float64)[0]).mean().item()) < 4 / 1000.0.squareRoot())
  }

  @Test func samplesOfDifferentSeedsDiffer() {
    var samples = SampleGenerators(seeds: [0, 1, 2])
    let x = samples.normal([1000], dtype: .float64)
    let correlation = (x.matmul(x.transposed()) / 1000 - Tensor.identity(3, dtype: .float64)).abs()
    #expect(correlation.max().item() < 5 * (2.0 / 1000).squareRoot())
  }

  @Test func emptyBatchesAndShapes() {
    var none = SampleGenerators(seeds: [])
    #expect(none.normal([2, 2]).shape == [0, 2, 2])
    var one = SampleGenerators(seeds: [1])
    #expect(one.uniform([0]).shape == [1, 0])
    #expect(one.uniform([]).shape == [1])
  }
}
