import Foundation
import ScoreKit
import TestSupport
import Testing

@Suite struct TrainingRunTests {
  private static func configuration() -> RunConfiguration {
    var result = RunConfiguration()
    (result.data, result.width, result.blocks) = ("moons", 8, 1)
    (result.steps, result.batchSize, result.sampleEvery) = (50, 1600, 0)
    (result.device, result.threads) = ("cpu", 1)
    return result
  }

  private static func train(_ run: TrainingRun, stoppingAfter count: Int) throws -> (TrainingRun.Outcome, asked: Int) {
    var (asked, evaluations) = (0, 0)
    let outcome = try run.train {
      // It is asked once after each step but the last.
      if run.trainer.step == 50 { asked += 1 }
      return asked > count
    } observe: { event in
      if case .evaluation = event { evaluations += 1 }
    }
    #expect(evaluations == (outcome == .finished ? 1 : 0))
    return (outcome, asked)
  }

  /// A run that is stopped at any moment of its evaluation has its last checkpoint and no part of the evaluation, and is
  /// evaluated where it is resumed.
  @Test func evaluationCanBeStoppedBetweenBatches() throws {
    try temporaryFolder { folder in
      let file = { (run: String) in FileManager.default.contents(atPath: "\(folder)/\(run)/evaluation.json") }
      let (outcome, asked) = try Self.train(
        TrainingRun.start(Self.configuration(), at: "\(folder)/whole"), stoppingAfter: .max)
      #expect(outcome == .finished)
      // Before it, after the losses of its 80 examples, and after each of two batches at each noise level.
      #expect(asked == 1 + 1 + 2 * Evaluator.defaultNoiseLevels.count)
      let evaluation = try #require(file("whole"))
      for count in [0, 1, 2, asked - 1] {
        let name = "stopped-\(count)"
        let path = "\(folder)/\(name)"
        let stopped = try Self.train(TrainingRun.start(Self.configuration(), at: path), stoppingAfter: count)
        #expect(stopped.0 == .stopped(step: 50) && stopped.asked == count + 1)
        let files = try FileManager.default.contentsOfDirectory(atPath: path)
        #expect(files.contains("checkpoints") && !files.contains { $0.contains("evaluation") }, "\(files)")
        #expect(FileManager.default.fileExists(atPath: "\(path)/checkpoints/step-000050/state.json"))
        // One of fewer steps does not count as that of the run.
        if count == 1 {
          var old = try Evaluation(contentsOf: "\(folder)/whole/evaluation.json")
          old.model.step = 40
          try old.encoded().write(to: URL(fileURLWithPath: "\(path)/evaluation.json"))
        }
        #expect(try Self.train(TrainingRun.resume(at: path), stoppingAfter: .max).0 == .finished)
        #expect(file(name) == evaluation)
      }
    }
  }
}

/// Events for TensorBoard.
@Suite struct TrainingRunEventTests {
  @Test func eventsAreWrittenWhereAskedFor() throws {
    try temporaryFolder { folder in
      var options = RunConfiguration()
      (options.data, options.width, options.blocks, options.steps, options.batchSize) = ("moons", 8, 1, 12, 8)
      (options.threads, options.sampleEvery) = (1, 0)
      _ = try TrainingRun.start(options, at: "\(folder)/without").train()
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/without/tensorboard"))
      options.tensorboard = true
      let run = try TrainingRun.start(options, at: "\(folder)/with")
      _ = try run.train()
      let names = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/with/tensorboard")
      #expect(names.count == 1)
      let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/with/tensorboard/\(names[0])"))
      for tag in ["training/loss", "training/examples-per-second", "evaluation-loss/sigma-0.1"] {
        #expect(data.range(of: Data(tag.utf8)) != nil, "\(tag)")
      }
    }
  }
}
