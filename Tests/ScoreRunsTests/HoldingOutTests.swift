import Foundation
import ScoreKit
import TestSupport
import Testing

@Suite struct HoldingOutTests {
  /// The training batches and the held-out batches of data, with labels.
  private func batches(_ data: Dataset) throws -> [TrainingBatch] {
    let (training, heldOut) = try data.holdingOut(seed: 7)
    #expect(training.count == 17 && heldOut.count == 3)
    #expect(training.isStreamed == data.isStreamed && heldOut.isStreamed == data.isStreamed)
    return try [training, heldOut].flatMap { part in
      let positions = Tensor.range(0, to: Double(part.count), dtype: .int64)
      // Training and evaluation read ahead in turn.
      part.prefetch(at: positions)
      return [try part.batch(at: positions), try part.batch(at: Tensor([2, 0]))]
    }
  }

  @Test func partsOfStreamedDataEqualThoseOfDataInMemory() throws {
    try temporaryFolder { folder in
      let path = folder + "/data.npy"
      let examples = Tensor((0..<40).map { Double($0 * $0 % 37) }, shape: [20, 2])
      try NPYFile.write(examples, to: path)
      let memory = try DatasetSource(path).load(loading: .memory)
      let (expected, found) = (try batches(memory), try batches(DatasetSource(path).load(loading: .stream)))
      for (expected, found) in zip(expected, found) {
        #expect(found.examples.shape == expected.examples.shape)
        #expect(found.examples.elements(as: Float.self) == expected.examples.elements(as: Float.self))
        #expect(found.labels == nil && expected.labels == nil)
      }
      // The split itself, of examples in memory: a permutation by uniform numbers, the first 15 in 100 held out.
      var generator = RandomGenerator(seed: 7, purpose: .data, index: 1)
      let order = generator.uniform([20], dtype: .float64).argsort()
      let (training, heldOut) = try memory.holdingOut(seed: 7)
      #expect(heldOut.examples.elements(as: Float.self) == memory.examples.gathering(order[0..<3]).elements())
      #expect(training.examples.elements(as: Float.self) == memory.examples.gathering(order[3..<20]).elements())
    }
  }
}
