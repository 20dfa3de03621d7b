import Foundation
import ScoreKit
import TestSupport
import Testing

@testable import conservative_comparison

@Suite struct ConservativeExperimentTests {
  private func train(_ experiment: Experiment, _ way: Way) throws -> Outcome {
    try experiment.train(way, steps: experiment.steps, clock: TrainingClock(threads: 1))
  }

  @Test func waysReachWhatTheyPromise() throws {
    let experiment = try smallExperiment(steps: 60, fitPoints: 256)
    func nasym(_ way: Way) throws -> Double { try train(experiment, way).nasym.value }
    let off = try nasym(.off)
    #expect(off > 1e-4)
    #expect(try nasym(.energy) < 1e-10)
    #expect(try nasym(.penalty(1000)) < 0.7 * off)
    #expect(try nasym(.projection(12)) < 0.7 * off)
    #expect(try nasym(.fit) < 0.7 * off)
  }

  @Test func outcomesAreFunctionsOfTheSeed() throws {
    let outcomes = try ([1, 1, 2] as [UInt64]).map { try train(smallExperiment(seed: $0), .projection(12)) }
    #expect(outcomes[0].losses == outcomes[1].losses && outcomes[0].losses != outcomes[2].losses)
    #expect(outcomes[0].evaluation == outcomes[1].evaluation)
    expectIdentical(outcomes[0].samples, outcomes[1].samples, "samples")
    #expect(outcomes[0].projections == 20)
  }

  @Test func heldOutLossesAreThoseOfTheObjective() throws {
    let experiment = try smallExperiment()
    let trainer = try experiment.makeTrainer(.off, steps: 1)
    let losses = try withoutGradients { try experiment.heldOutLosses(of: trainer.model) }
    #expect(losses.count == experiment.heldOut.count)
    #expect(try losses == withoutGradients { try experiment.heldOutLosses(of: trainer.model) }, "the noise is fixed")
    // The same mean over other noise.
    let objective = experiment.options.makeObjective(sigmaData: experiment.sigmaData)
    let batch = try experiment.heldOut.batch(
      at: .range(0, to: Double(experiment.heldOut.count), dtype: .int64))
    var generator = RandomGenerator(seed: 5)
    let others = (0..<40).map { _ in
      withoutGradients {
        objective.loss(of: trainer.model, on: batch, process: trainer.process, using: &generator).item()
      }
    }
    let (mean, other) = (Estimate(meanOf: losses), Estimate(meanOf: others))
    #expect(abs(mean.value - other.value) < 5 * (mean.standardError + other.standardError), "\(mean) \(other)")
  }

  @Test func differencesArePaired() {
    var (first, second) = (Outcome(way: .off, steps: 1), Outcome(way: .energy, steps: 1))
    (first.losses, second.losses) = ([1, 5, 9], [1.5, 5.5, 9.5])
    #expect(second.excess(over: first) == Estimate(value: 0.5, standardError: 0))
  }

  @Test func waysAreOptionsOfARun() throws {
    let experiment = try smallExperiment(steps: 120)
    let (penalty, _) = try experiment.configuration(.penalty(7), steps: 50)
    #expect(penalty.conservativeness == .penalty(weight: 7) && penalty.steps == 50)
    #expect(try experiment.configuration(.projection(12), steps: 120).0.conservativeness == .projection(every: 10))
    #expect(try experiment.configuration(.projection(12), steps: 10).0.conservativeness == .projection(every: 1))
    #expect(try experiment.configuration(.energy, steps: 50).1.isEnergy)
    #expect(try experiment.configuration(.fit, steps: 50).0 == experiment.configuration(.off, steps: 50).0)
  }

  @Test func aWayIsThereForEachWeightAndNumberOfProjections() {
    let ways = Way.all(of: [.fit, .penalty, .projection, .off], penaltyWeights: [1, 2.5], projections: [8, 30])
    #expect(ways == [.fit, .penalty(1), .penalty(2.5), .projection(8), .projection(30), .off])
    #expect(ways.map(\.name) == ["fit", "penalty 1", "penalty 2.5", "projection 8", "projection 30", "off"])
    #expect(ways.map(\.timeName) == ["fit", "penalty", "penalty", "projection-8", "projection-30", "off"])
    #expect([10, 60, 100].map { Way.projection(30).projectionCount(steps: $0) } == [10, 30, 33])
  }

  @Test func theCurlOfARotationIsTwiceItsSpeed() throws {
    struct Rotation: ScoreModel {
      func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
        let columns = [x.selecting(0, along: 1), x.selecting(1, along: 1)]
        return Tensor.stack([columns[1] * -3 - columns[0], columns[0] * 3], along: 1)
      }
    }
    let data = try Dataset(name: "square", examples: Tensor([[-1.0, 1], [1, 0.5]]).to(.float32))
    let field = try ScoreField(of: Rotation(), around: data)
    #expect(field.range == -1.5...1.5)
    #expect(field.curl.allSatisfy { abs($0 - 6) < 1e-5 })
    let arrow = try #require(field.scores.first)
    expectClose(arrow.score.x, -3 * arrow.point.y - arrow.point.x, rtol: 1e-5, atol: 0)
    expectClose(arrow.score.y, 3 * arrow.point.x, rtol: 1e-5, atol: 0)
  }

  @Test func tablesAreAligned() {
    let lines = markdown(["a", "numbers"], [["longer", "1"], ["b", "1.25"]]).split(separator: "\n")
    #expect(
      lines == ["| a      | numbers |", "|--------|--------:|", "| longer |       1 |", "| b      |    1.25 |"])
  }
}

@Suite struct ConservativeComparisonCommandTests {
  private let example = Program.built("conservative-comparison")

  private let small = [
    "--width", "16", "--steps", "24", "--batch-size", "16", "--fit-points", "4", "--fit-steps", "1",
    "--evaluation-count", "8",
  ]

  @Test func writesTablesAndPicturesOfPoints() throws {
    try temporaryFolder { folder in
      let result = try example.run(
        small + ["--data", "moons", "--out", folder, "--penalty-weights", "1,10", "--budget", "time"]
          + ["--time-steps", "penalty=12,projection-12=13,projection-2=10,energy=14,fit=15"]
          + ["--projections", "12,2"])
      #expect(result.status == 0, "\(result.errors)")
      for name in ["off", "penalty 1 ", "penalty 10", "projection 12", "projection 2 ", "energy", "fit"] {
        // In two tables.
        #expect(result.output.components(separatedBy: "\n| \(name)").count == 3, "\(name): \(result.output)")
      }
      #expect(result.output.contains("| 13, 13 projected |"), "\(result.output)")
      #expect(result.output.contains("|  10, 2 projected |"), "\(result.output)")
      for name in ["penalty-curve", "samples-equal-time", "fields-equal-time"] {
        #expect(try Image(contentsOfPNG: "\(folder)/\(name).png").width > 500)
      }
    }
  }

  @Test func bothBudgetsAreComparedWithoutTheUnconstrainedWay() throws {
    try temporaryFolder { folder in
      let result = try example.run(small + ["--out", folder, "--ways", "penalty", "--time-steps", "penalty=12"])
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output.components(separatedBy: "\n| penalty 10 ").count == 5, "\(result.output)")
      for name in ["penalty-curve", "samples-equal-time", "samples-equal-steps"] {
        #expect(try Image(contentsOfPNG: "\(folder)/\(name).png").width > 500)
      }
    }
  }

  @Test func measuresHowManyStepsFit() throws {
    try temporaryFolder { folder in
      let result = try example.run(
        small + ["--out", folder, "--budget", "time", "--ways", "off,energy", "--budget-steps", "40"])
      #expect(result.status == 0, "\(result.errors)")
      let steps = result.output.split(separator: "\n").first { $0.contains("--time-steps energy=") }?
        .split(separator: "=").last.flatMap { Int($0) }
      #expect((4...80).contains(steps ?? 0), "\(result.output)")
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/samples-equal-steps.png"))
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/fields-equal-time.png"))
    }
  }

  @Test(arguments: [
    (["--ways", "off,none"], Int32(64), "--ways"), (["--ways", "off,off"], 64, "--ways"),
    (["--penalty-weights", "-1"], 64, "--penalty-weight"), (["--penalty-weights", "1,"], 64, "--penalty-weights"),
    (["--steps", "0"], 64, "--steps"), (["--batch-size", "0"], 64, "--batch-size"),
    (["--learning-rate", "0"], 64, "--learning-rate"), (["--threads", "0"], 64, "--threads"),
    (["--fit-steps", "0"], 64, "--fit-steps"), (["--fit-points", "0"], 64, "--fit-points"),
    (["--evaluation-count", "0"], 64, "--evaluation-count"), (["--time-steps", "off=3"], 64, "--time-steps"),
    (["--time-steps", "projection=3"], 64, "--time-steps"), (["--time-steps", "penalty-3=3"], 64, "--time-steps"),
    (["--projections", "0"], 64, "--projections"), (["--projections", "3,3"], 64, "--projections"),
    (["--budget", "money"], 64, "--budget"), (["--budget-steps", "0"], 64, "--budget-steps"),
    (["--out", ""], 64, "--out"), (["--data", "nowhere"], 66, "nowhere"),
    (["--data", "moons", "--model", "unet"], 64, "--model"), (["--channels", "16,32"], 64, "--channels"),
  ])
  func wrongOptionsAreOneSentence(_ arguments: [String], _ status: Int32, _ word: String) throws {
    try temporaryFolder { folder in
      let all = (arguments.contains("--out") ? [] : ["--out", folder]) + arguments
      let result = try example.expectFailure(all, status: status, mentioning: [word])
      #expect(result.errors.split(separator: "\n").count == 1)
    }
  }
}
