import Foundation
import ScoreKit
import TestSupport
import Testing

@testable import sparse_score_model

@Suite struct ExperimentTests {
  /// Of a small network on the bundled digits.
  private func experiment(seed: UInt64 = 0, steps: Int = 20) throws -> Experiment {
    try Experiment(data: .digits(), width: 32, blocks: 2, batchSize: 16, steps: steps, seed: seed)
  }

  @Test(arguments: WeightSparsity.Scope.allCases)
  func weightsAndAverageHaveTheZerosThatWereAskedFor(scope: WeightSparsity.Scope) throws {
    let experiment = try experiment()
    let sparse = try experiment.train("sparse", experiment.sparsity(0.5, scope))
    let weights = sparse.zeros.weights
    #expect(weights.count == 2 * 64 * 32 + 8 * 32 * 32)
    // Each of the eight inner matrices rounds for itself.
    #expect(abs(weights.zeros - weights.count / 2) <= 8)
    #expect(sparse.zeros == sparse.averageZeros)
    expectClose(sparse.sparsities.last ?? 0, Double(weights.zeros) / Double(weights.count), rtol: 1e-12, atol: 0)
    #expect(sparse.zeros.parameters.count == sparse.parameterCount)
  }

  @Test func firstAndLastLayerStayDense() throws {
    let experiment = try experiment()
    let model = experiment.makeModel()
    let trainer = try experiment.makeTrainer(model, experiment.sparsity(0.5, .global))
    while trainer.step < experiment.steps { try trainer.advance() }
    for entry in model.namedParameters() where entry.parameter.shape.count == 2 {
      let zeros = Int((entry.parameter.value .== 0).sum().item())
      #expect((zeros == 0) == (entry.name.hasPrefix("input.") || entry.name.hasPrefix("output.")), "\(entry.name)")
    }
  }

  @Test func denseAndSparseAreTheSameUntilTheConstraintActs() throws {
    let experiment = try experiment()
    let dense = try experiment.train("dense", nil)
    let sparse = try experiment.train("sparse", experiment.sparsity(0.5, .global))
    let start = SparsitySchedule(steps: experiment.steps).start
    #expect(dense.losses.prefix(start) == sparse.losses.prefix(start))
    #expect(dense.losses.dropFirst(start) != sparse.losses.dropFirst(start))
    #expect(dense.sparsities.allSatisfy { $0 == 0 } && dense.zeros.weights.zeros == 0)
  }

  @Test func outcomesAreFunctionsOfTheSeed() throws {
    let outcomes = try ([1, 1, 2] as [UInt64]).map { seed in
      let experiment = try experiment(seed: seed, steps: 8)
      return try experiment.train("sparse", experiment.sparsity(0.5, .global))
    }
    #expect(outcomes[0].losses == outcomes[1].losses && outcomes[0].losses != outcomes[2].losses)
    #expect(outcomes[0].heldOutLoss == outcomes[1].heldOutLoss)
    expectIdentical(outcomes[0].samples, outcomes[1].samples, "samples")
  }

  @Test func heldOutExamplesAreTheOthers() throws {
    let (data, experiment) = (try Dataset.digits(), try experiment())
    #expect(experiment.heldOut.count == data.count * 15 / 100)
    func sorted(_ examples: Tensor) -> [String] {
      (0..<examples.size(0)).map { "\(examples[$0].to(.int64).flattened().elements(as: Int.self))" }.sorted()
    }
    let both = Tensor.concatenate([experiment.training.examples, experiment.heldOut.examples])
    #expect(sorted(both) == sorted(data.examples))
  }

  @Test func trainingLowersTheHeldOutLoss() throws {
    let experiment = try experiment(steps: 60)
    let model = experiment.makeModel()
    let before = try experiment.heldOutLoss(of: model)
    #expect(try before == experiment.heldOutLoss(of: model), "the noise is fixed")
    #expect(try experiment.train("dense", nil).heldOutLoss < 0.95 * before)
  }

  @Test func moreZerosThanTheInnerLayersHaveAreRefused() throws {
    let experiment = try experiment()
    let error = #expect(throws: RunError.self) { try experiment.sparsity(0.9, .global) }
    #expect(error?.description.contains("have 0.666 of all weights") == true)
    #expect(try experiment.sparsity(0.6, .global).target == 0.6 / (2.0 / 3))
  }

  @Test func tooFewExamplesAreRefused() throws {
    let data = try Dataset(name: "six", examples: Tensor.zeros([6, 2]) + Tensor([0.0, 1]).to(.float32))
    #expect(throws: RunError.self) {
      try Experiment(data: data, width: 8, blocks: 1, batchSize: 4, steps: 1, seed: 0)
    }
  }

  @Test func zerosAreCountedByRank() {
    let count = ZeroCount(["a": Tensor([[0.0, 1], [2, 0]]), "b": Tensor([0.0, 3])])
    #expect(count.weights == (4, 2) && count.parameters == (6, 3))
  }
}

@Suite struct SparseScoreModelCommandTests {
  private let example = Program.built("sparse-score-model")

  @Test func writesATableAndPictures() throws {
    try temporaryFolder { folder in
      let arguments = ["--width", "16", "--steps", "10", "--batch-size", "8", "--sparsity", "0.4", "--out", folder]
      let result = try example.run(arguments + ["--scope", "per-parameter"])
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output.contains("dense") && result.output.contains("(40.0"), "\(result.output)")
      for name in ["samples.png", "curves.png"] {
        #expect(try Image(contentsOfPNG: "\(folder)/\(name)").width > 500)
      }
      let dense = try example.run([
        "--width", "16", "--steps", "2", "--sparsity", "0", "--out", folder, "--data", "moons",
      ])
      #expect(dense.status == 0 && !dense.output.contains("sparse"), "\(dense.errors)\(dense.output)")
    }
  }

  @Test(arguments: [
    (["--sparsity", "1"], Int32(64), "--sparsity"), (["--sparsity", "nan"], 64, "--sparsity"),
    (["--steps", "0"], 64, "--steps"), (["--width", "1"], 64, "--width"), (["--blocks", "0"], 64, "--blocks"),
    (["--batch-size", "-3"], 64, "--batch-size"), (["--scope", "local"], 64, "--scope"),
    (["--out", ""], 64, "--out"), (["--data", "nowhere"], 66, "nowhere"),
    (["--width", "16", "--blocks", "1", "--steps", "1"], 64, "--sparsity"),
  ])
  func wrongOptionsAreOneSentence(_ arguments: [String], _ status: Int32, _ word: String) throws {
    try temporaryFolder { folder in
      let all = (arguments.contains("--out") ? [] : ["--out", folder]) + arguments
      let result = try example.expectFailure(all, status: status, mentioning: [word])
      #expect(result.errors.split(separator: "\n").count == 1)
    }
  }
}
