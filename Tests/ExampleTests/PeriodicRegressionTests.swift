import Foundation
import ScoreKit
import TestSupport
import Testing

@testable import periodic_regression

@Suite struct PeriodicRegressionTests {
  /// Fewer points than the example has.
  private func training(_ steps: Int, seed: UInt64 = 0) -> Training {
    var training = Training(steps: steps, seed: seed)
    var generator = RandomGenerator(seed: seed, purpose: .data)
    training.problem = PeriodicProblem(points: 50, collocationPoints: 60, using: &generator)
    return training
  }

  private func projected(_ arguments: [String], steps: Int, seed: UInt64 = 0) throws -> Training.Outcome {
    let settings = try Projection.parse(arguments)
    let training = training(steps, seed: seed)
    return try training.run {
      settings.optimizer(Adam(learningRate: 3e-3), training.problem.constraint(on: $0), steps: steps)
    }
  }

  @Test(arguments: [["--metric", "identity"], ["--metric", "preconditioner"], ["--plain-gradients"]])
  func projectionKeepsTheViolationFarBelowThatOfAdam(_ arguments: [String]) throws {
    let adam = try training(60).run { _ in Adam(learningRate: 3e-3) }
    let outcome = try projected(
      ["--warmup", "20", "--gradient-warmup", "20", "--correction-rate", "0.1"] + arguments, steps: 60)
    #expect(Array(outcome.losses[..<20]) == Array(adam.losses[..<20]), "the warm-up is Adam's")
    #expect(outcome.violation < 0.1 * outcome.violations[19])
    #expect(outcome.violation < 0.1 * adam.violation)
    #expect(outcome.iterationsPerStep > 0 && adam.iterationsPerStep == 0)
  }

  @Test func largerCorrectionRatesReduceTheViolationFaster() throws {
    let violations = try ["0", "0.05", "0.3"].map {
      try projected(["--warmup", "10", "--gradient-warmup", "10", "--correction-rate", $0], steps: 20).violation
    }
    #expect(violations[1] < 0.95 * violations[0] && violations[2] < 0.5 * violations[1], "\(violations)")
  }

  @Test func runsAreAFunctionOfTheSeed() throws {
    let (first, second) = (
      try projected(["--gradient-warmup", "2", "--warmup", "5"], steps: 8),
      try projected(["--gradient-warmup", "2", "--warmup", "5"], steps: 8)
    )
    #expect(first.losses == second.losses && first.violations == second.violations && first.error == second.error)
    #expect(try projected([], steps: 8, seed: 1).losses != first.losses)
  }

  @Test func networkHasNormalWeightsAndNoBiasesToStartWith() {
    var generator = RandomGenerator(seed: 3, purpose: .initialization)
    let network = Perceptron(widths: [64, 64], using: &generator)
    #expect(training(1).initialNetwork().parameterCount == 321)
    expectClose(network.layers[1].weight.value.square().mean().item(), 1.0 / 64, rtol: 0.1)
    #expect(network.layers.allSatisfy { ($0.bias?.value.norm() ?? 1) == 0 })
  }

  @Test func lossViolationAndErrorAreThoseOfAKnownFunction() {
    // tanh(ε·x)/ε is x, so that f(x + 2π) − f(x) = 2π.
    var generator = RandomGenerator(seed: 0)
    let network = Perceptron(widths: [1], using: &generator)
    network.layers[0].weight.value = Tensor([1e-3], shape: [1, 1]).to(.float32)
    network.layers[1].weight.value = Tensor([1e3], shape: [1, 1]).to(.float32)
    let problem = training(1).problem
    expectClose(problem.violation(of: network), 2 * Double.pi, rtol: 1e-3)
    let half = (problem.x - problem.x.sin()).square().mean().item() / 2
    expectClose(problem.loss(of: network).item(), half, rtol: 1e-3)
    let wide = PeriodicProblem.wide
    expectClose(
      problem.error(of: network), (wide - wide.sin()).square().mean().item().squareRoot(), rtol: 1e-3)
  }

  @Test func pictureShowsTwoCharts() throws {
    let outcome = try training(2).run { _ in Adam(learningRate: 3e-3) }
    let image = picture(of: outcome, outcome)
    #expect((image.width, image.height) == (1280, 1600))
  }
}

@Suite struct PeriodicRegressionCommandTests {
  @Test(arguments: [
    (["--steps", "0"], "--steps"), (["--runs", "0"], "--runs"), (["--seed", "-1"], "--seed"),
    (["--correction-rate", "-1"], "--correction-rate"), (["--correction-rate", "nan"], "--correction-rate"),
    (["--iterations", "0"], "--iterations"), (["--metric", "euclid"], "euclid"), (["--warmup", "-3"], "--warmup"),
    (["--warm-start", "--damping", "1"], "--damping"), (["picture.jpg"], "picture.jpg"),
  ])
  func wrongArgumentsAreOneSentence(_ arguments: [String], _ word: String) throws {
    let result = try Program.built("periodic-regression").expectFailure(arguments, status: 64, mentioning: [word])
    #expect(result.errors.split(separator: "\n").count == 1)
  }
}
