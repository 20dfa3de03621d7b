import ScoreKit
import TestSupport
import Testing

/// Training that a program saves and resumes by itself, without a run.
@Suite struct TrainerCheckpointTests {
  private struct Sizes: Codable, Equatable, Sendable { var width = 8 }

  private static func trainer(_ sizes: Sizes = Sizes()) throws -> Trainer {
    var generator = RandomGenerator(seed: 7, purpose: .initialization)
    let network = MLP(.init(shape: [2], width: sizes.width, blocks: 1), using: &generator)
    return Trainer(
      NetworkScore(network, process: EDMProcess(), parameterization: .edm(sigmaData: 1)), process: EDMProcess(),
      data: try TensorData(generator.normal([50, 2])),
      objective: DenoisingScoreMatching(noiseLevels: .logNormal(), weighting: .edm(sigmaData: 1)),
      settings: .init(batchSize: 16, schedule: .init(peak: 1e-2, steps: 20), averageDecay: 0.9))
  }

  private func expectSame(_ one: Trainer.State, _ other: Trainer.State) {
    #expect(one.step == other.step)
    for (one, other) in [(one.model, other.model), (one.average, other.average), (one.optimizer, other.optimizer)] {
      #expect(!one.isEmpty && Set(one.keys) == Set(other.keys))
      for (name, tensor) in one { expectIdentical(tensor, other[name] ?? tensor + 1) }
    }
  }

  @Test func aLineSavesAndALineResumesExactly() throws {
    try temporaryFolder { path in
      let folder = CheckpointFolder("\(path)/checkpoints")
      let (sizes, whole) = (Sizes(width: 12), try Self.trainer(Sizes(width: 12)))
      for _ in 0..<9 { try whole.advance() }
      let first = try Self.trainer(sizes)
      for _ in 0..<5 { try first.advance() }
      try folder.write(Checkpoint(first.state, configuration: sizes), keeping: 3)

      let saved = try #require(try folder.readLatest(as: Sizes.self))
      #expect(saved.configuration == sizes && saved.step == 5)
      let second = try Self.trainer(saved.configuration)
      try second.restore(saved)
      expectSame(second.state, first.state)
      expectSame(saved.trainerState, first.state)
      for _ in 0..<4 { try second.advance() }
      expectSame(second.state, whole.state)
    }
  }

  @Test func whatDoesNotBelongToTheTrainerIsRefused() throws {
    try temporaryFolder { path in
      let trainer = try Self.trainer()
      for _ in 0..<2 { try trainer.advance() }
      let before = trainer.state
      let checkpoint = Checkpoint(before, configuration: Sizes())
      try checkpoint.write(to: "\(path)/c")
      #expect(throws: OptimizerStateError.self) {
        try trainer.restore(Checkpoint<Sizes>(contentsOf: "\(path)/c", .weights))
      }
      #expect(throws: StateMismatch.self) { try Self.trainer(Sizes(width: 9)).restore(checkpoint) }
      expectSame(trainer.state, before)
    }
  }
}
