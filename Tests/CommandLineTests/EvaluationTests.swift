import Foundation
import ScoreKit
import TestSupport
import Testing

@Suite struct EvaluationTests {
  private let common = ["--threads", "1", "--device", "cpu", "--progress", "none"]

  private func evaluate(_ arguments: [String], in folder: String) throws -> Evaluation {
    let result = try Tool.evaluate.run(arguments + common + ["--json"], in: folder)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors == "")
    return try JSONDecoder().decode(Evaluation.self, from: Data(result.output.utf8))
  }

  @Test func imagesHaveLossAsymmetryAndBitsPerDimension() throws {
    try temporaryFolder { folder in
      let run = "\(folder)/run"
      let trained = try Tool.train.run(tinyRun(run) + ["--class-conditional"], in: folder)
      #expect(trained.status == 0, "\(trained.errors)")
      let options = [run, "--count", "12", "--noise-levels", "0.2,1"]
      let evaluation = try evaluate(options, in: folder)
      #expect(evaluation.model.step == 8 && evaluation.model.network == "unet" && evaluation.model.isAverage)
      #expect(evaluation.data.source == "digits" && evaluation.data.count == 12 && evaluation.data.total == 1797)
      #expect(evaluation.data.isTrainingData && evaluation.data.isLabelled && evaluation.model.classCount == 10)
      #expect(evaluation.levels.map(\.sigma) == [0.2, 1])
      for level in evaluation.levels {
        // A network that has hardly learned knows mean and variance.
        #expect((0.2...3).contains(level.loss.value) && level.loss.standardError > 0)
        #expect(level.asym.value > 0 && (0...1).contains(level.nasym.value) && !level.isExact)
      }
      let likelihood = try #require(evaluation.likelihood)
      let bits = try #require(likelihood.bitsPerDimension)
      #expect((2...12).contains(bits.value) && bits.standardError > 0)
      expectClose(
        bits.value, Pixels.bitsPerDimension(logDensity: likelihood.nats.value, dimensions: 64), rtol: 1e-9)
      #expect(likelihood.probeCount == 1 && likelihood.integrationError < 1)

      // The same seed, the same numbers; other seeds, weights, probes and examples, others.
      #expect(try evaluate(options, in: folder) == evaluation)
      #expect(try evaluate(["\(run)/checkpoints/latest"] + options.dropFirst(), in: folder) == evaluation)
      for other in [["--seed", "1"], ["--raw-weights"], ["--probes", "2"], ["--count", "13"]] {
        let changed = try evaluate(options + other, in: folder)
        #expect(changed.likelihood != evaluation.likelihood)
        #expect(changed.levels != evaluation.levels)
      }
      // Fewer examples are among the others, with the same noise.
      let without = try evaluate(options + ["--no-likelihood"], in: folder)
      #expect(without.likelihood == nil && without.levels == evaluation.levels)

      // Nor do batches of another size matter, beyond rounding.
      let small = try evaluate(options + ["--batch-size", "5"], in: folder)
      #expect(small.data == evaluation.data && small.levels.map(\.sigma) == [0.2, 1])
      for (level, other) in zip(small.levels, evaluation.levels) {
        expectClose(level.loss.value, other.loss.value, rtol: 1e-4)
        expectClose(level.asym.value, other.asym.value, rtol: 1e-2)
      }
      expectClose(try #require(small.likelihood).nats.value, likelihood.nats.value, rtol: 1e-3)

      let table = try Tool.evaluate.run(options + common, in: folder)
      #expect(table.status == 0, "\(table.errors)")
      for word in [
        "12 of 1797 examples of digits", "classes given", "trained on them", "8 steps", "NAsym", "bits per dimension",
        "nats", String(format: "%.4f ± %.4f", bits.value, bits.standardError), "1 probe",
      ] {
        #expect(table.output.contains(word), "\(table.output) does not mention \(word)")
      }
    }
  }

  @Test func trainingEndsWithAnEvaluation() throws {
    try temporaryFolder { folder in
      let run = "\(folder)/run"
      var options = tinyRun(run)
      options[options.count - 1] = "plain"
      let trained = try Tool.train.run(options, in: folder)
      #expect(trained.status == 0, "\(trained.errors)")
      #expect(trained.errors.contains("\(run)/evaluation.json"))
      let evaluation = try Evaluation(contentsOf: "\(run)/evaluation.json")
      #expect(evaluation.model.step == 8 && evaluation.model.isAverage && evaluation.likelihood == nil)
      #expect(evaluation.levels.map(\.sigma) == Evaluator.defaultNoiseLevels)
      #expect(evaluation.data.isTrainingData && evaluation.data.count == 8)
      // It is what score-evaluate says.
      let again = try evaluate([run, "--count", "8", "--probes", "1", "--no-likelihood"], in: folder)
      #expect(again == evaluation)
      // Going on with a finished run brings back a file that was lost, and replaces that of fewer steps.
      try FileManager.default.removeItem(atPath: "\(run)/evaluation.json")
      #expect(try Tool.train.run(["--out", run, "--resume", "--progress", "none"], in: folder).status == 0)
      #expect(try Evaluation(contentsOf: "\(run)/evaluation.json") == evaluation)
      let longer = try Tool.train.run(["--out", run, "--resume", "--steps", "9", "--progress", "none"], in: folder)
      #expect(longer.status == 0, "\(longer.errors)")
      #expect(try Evaluation(contentsOf: "\(run)/evaluation.json").model.step == 9)
    }
  }

  @Test func interruptEndsTheEvaluation() throws {
    try temporaryFolder { folder in
      let run = "\(folder)/run"
      // The larger the network and the batches, the longer the evaluation.
      let options = [
        "--data", "digits", "--out", run, "--steps", "1", "--sample-every", "0", "--batch-size", "640",
        "--threads", "1", "--device", "cpu", "--progress", "plain",
      ]
      #expect(try Tool.train.run(options, in: folder).status == 0)
      let evaluation = try #require(contents("\(run)/evaluation.json"))
      try FileManager.default.removeItem(atPath: "\(run)/evaluation.json")
      let resume = ["--out", run, "--resume", "--progress", "plain"]
      let process = try Tool.train.start(resume, in: folder)
      while !process.errorText.contains("going on from step 1"), process.isRunning { usleep(5_000) }
      process.send(SIGINT)
      let (ending, errors) = (process.wait().ending, process.errorText)
      #expect(ending == .exit(130), "\(errors)")
      #expect(errors.contains("stopped before the evaluation") && errors.contains("--resume"), "\(errors)")
      let files = try FileManager.default.contentsOfDirectory(atPath: run).sorted()
      #expect(!files.contains { $0.contains("evaluation") }, "\(files)")
      #expect(try Tool.train.run(resume, in: folder).status == 0)
      #expect(contents("\(run)/evaluation.json") == evaluation)
    }
  }

  @Test func pointsHaveNatsAndExactDerivatives() throws {
    try temporaryFolder { folder in
      let run = "\(folder)/run"
      let trained = try Tool.train.run(
        ["--data", "moons", "--out", run, "--width", "16", "--blocks", "1", "--steps", "4", "--process", "vp"]
          + ["--conservative", "energy", "--sample-every", "0"] + common, in: folder)
      #expect(trained.status == 0, "\(trained.errors)")
      let evaluation = try evaluate([run, "--count", "50"], in: folder)
      #expect(evaluation.levels.allSatisfy { $0.isExact && $0.nasym.value < 1e-6 })
      let likelihood = try #require(evaluation.likelihood)
      #expect(likelihood.bitsPerDimension == nil && likelihood.probeCount == nil)
      #expect((-5...0).contains(likelihood.nats.value))
      #expect(evaluation.data.isTrainingData && !evaluation.data.isLabelled)
      // Points of another seed are new ones, and those of another distribution are less likely.
      let new = try evaluate([run, "--data", "moons", "--seed", "3", "--count", "50"], in: folder)
      #expect(!new.data.isTrainingData && new.data.source == "moons")
      let table = try Tool.evaluate.run([run, "--data", "spirals", "--count", "50"] + common, in: folder)
      #expect(table.status == 0, "\(table.errors)")
      #expect(table.output.contains("nats") && !table.output.contains("bits") && !table.output.contains("trained on"))
    }
  }

  @Test func wrongInputsAreOneSentence() throws {
    try temporaryFolder { folder in
      for (options, word) in [
        (["--count", "0"], "--count"), (["--batch-size", "0"], "--batch-size"), (["--probes", "0"], "--probes"),
        (["--noise-levels", "1,x"], "--noise-levels"), (["--noise-levels=-1"], "-1"),
        (["--threads", "0"], "--threads"), (["--device", "abacus"], "--device"), (["--data", ""], "--data"),
        (["--data", "digits", "--labels", "a"], "--labels"), (["--colour"], "--colour"),
      ] {
        try Tool.evaluate.expectFailure([folder] + options, status: 64, mentioning: [word], in: folder)
      }
      try Tool.evaluate.expectFailure(["\(folder)/none"], status: 66, mentioning: ["\(folder)/none"], in: folder)
      let run = "\(folder)/run"
      #expect(try Tool.train.run(tinyRun(run, steps: 2), in: folder).status == 0)
      try Tool.evaluate.expectFailure(
        [run, "--data", "moons"], status: 65, mentioning: ["moons", "points of 2", "1 × 8 × 8"], in: folder)
      try Tool.evaluate.expectFailure(
        [run, "--data", "\(folder)/none"], status: 66, mentioning: ["\(folder)/none"], in: folder)
      try Tool.evaluate.expectFailure(
        [run, "--noise-levels", "0.1,500"], status: 64, mentioning: ["--noise-levels", "500", "80"], in: folder)
      try Data("no images".utf8).write(to: URL(fileURLWithPath: "\(folder)/notes.txt"))
      try Tool.evaluate.expectFailure(
        [run, "--data", "\(folder)/notes.txt"], status: 65, mentioning: ["notes.txt"], in: folder)
    }
  }
}

/// Samples compared with data.
@Suite struct SampleComparisonTests {
  @Test func samplesAreComparedWhereAskedFor() throws {
    try temporaryFolder { folder in
      #expect(try Tool.train.run(tinyRun("\(folder)/run"), in: folder).status == 0)
      let result = try Tool.evaluate.run(
        [
          "\(folder)/run", "--samples", "20", "--steps", "2", "--no-likelihood", "--count", "8", "--nearest",
          "\(folder)/nearest.png", "--json",
        ], in: folder)
      #expect(result.status == 0, "\(result.errors)")
      let evaluation = try JSONDecoder().decode(Evaluation.self, from: Data(result.output.utf8))
      let samples = try #require(evaluation.samples)
      #expect(samples.count == 20 && samples.referenceCount == 20 && samples.spaces.count == 2)
      #expect(samples.sampling == .init(method: "heun", steps: 2))
      #expect(try Image(contentsOfPNG: "\(folder)/nearest.png").width > 0)
      for (arguments, words) in [
        (["--samples", "3"], ["--samples", "8"]), (["--nearest", "a.png"], ["--nearest", "--samples"]),
        (["--samples", "8", "--guidance", "2"], ["--guidance", "classes"]),
      ] {
        try Tool.evaluate.expectFailure(
          ["\(folder)/run", "--no-likelihood", "--count", "8"] + arguments, status: 64, mentioning: words, in: folder)
      }
      // A picture that cannot be written takes no numbers with it.
      let unwritable = try Tool.evaluate.run(
        [
          "\(folder)/run", "--samples", "8", "--steps", "1", "--no-likelihood", "--count", "8", "--nearest",
          "\(folder)/missing/nearest.png",
        ], in: folder)
      #expect(unwritable.status != 0 && unwritable.errors.contains("missing"), "\(unwritable.errors)")
      #expect(unwritable.output.contains("by heun with 1 step;"))
    }
  }
}
