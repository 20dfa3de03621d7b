import Foundation
import ScoreKit
import TestSupport
import Testing

@testable import least_squares_layer

@Suite struct LeastSquaresLayerTests {
  /// A small network in float64.
  private func regressor(widths: [Int] = [6, 4], damping: Double = 0.3) -> FewShotRegressor {
    var generator = RandomGenerator(seed: 1, purpose: .initialization)
    let model = FewShotRegressor(
      features: FeatureNetwork(widths: widths, using: &generator), layer: LeastSquaresLayer(damping: damping))
    model.convert(to: .float64)
    return model
  }

  private func tasks(_ count: Int, shots: Int) -> (known: Examples, queries: Examples) {
    var generator = RandomGenerator(seed: 2, purpose: .data)
    let tasks = SinusoidTasks(count: count, using: &generator)
    func converted(_ examples: Examples) -> Examples {
      Examples(x: examples.x.to(.float64), y: examples.y.to(.float64))
    }
    return (
      converted(tasks.examples(perTask: shots, using: &generator)),
      converted(tasks.examples(perTask: 7, using: &generator))
    )
  }

  @Test(arguments: [3, 4, 9])
  func gradientMatchesCentralDifferences(shots: Int) throws {
    let model = regressor()
    let (known, queries) = tasks(2, shots: shots)
    func loss() throws -> Tensor { try model.loss(on: queries, from: known) }
    let named = model.namedParameters()
    #expect(named.map(\.name).last == "layer.logDamping")
    let exact = try gradients(of: loss(), withRespectTo: named.map(\.parameter.value))
    for (entry, gradient) in zip(named, exact) {
      let (parameter, start) = (entry.parameter, entry.parameter.value)
      let differences = try (0..<start.elementCount).map { element in
        let unit = Tensor((0..<start.elementCount).map { $0 == element ? 1.0 : 0 }, shape: start.shape)
        func value(_ step: Double) throws -> Double {
          parameter.value = start + unit * step
          defer { parameter.value = start }
          return try loss().item()
        }
        let h = 1e-4
        return try (8 * (value(h) - value(-h)) - (value(2 * h) - value(-2 * h))) / (12 * h)
      }
      expectClose(gradient, Tensor(differences, shape: start.shape), rtol: 1e-6, atol: 1e-7, entry.name)
      #expect(gradient.norm() > 1e-5, "\(entry.name) does not matter")
    }
  }

  @Test func weightsAsConstantsLeaveThePartOfTheSolveOut() throws {
    let model = regressor()
    let (known, queries) = tasks(3, shots: 5)
    let values = model.parameters().map(\.value)
    let exact = try gradients(of: model.loss(on: queries, from: known), withRespectTo: values)
    let constant = try gradients(
      of: model.loss(on: queries, from: known, differentiatesSolve: false), withRespectTo: values)
    #expect((Tensor.flatten(exact) - Tensor.flatten(constant)).norm() > 0.1 * Tensor.flatten(exact).norm())
    #expect(constant.last?.norm() == 0, "δ acts through the solve alone")
  }

  @Test func layerFitsAsManyPointsAsFeaturesWithoutDamping() throws {
    let (known, _) = tasks(3, shots: 4)
    let exact = try regressor(damping: 1e-10).predictions(at: known.x, from: known)
    expectClose(exact, known.y, rtol: 1e-6, atol: 1e-6)
    let damped = try regressor(damping: 1).predictions(at: known.x, from: known)
    #expect((damped - known.y).norm() > 0.1 * known.y.norm())
  }

  @Test func layerSolvesTheDampedNormalEquations() throws {
    let (known, _) = tasks(1, shots: 7)
    let model = regressor(damping: 0.5)
    let phi = model.features(known.x[0])
    let w = try model.layer.weights(fitting: known.y[0], from: phi)
    expectClose(model.layer.damping.item(), 0.5, rtol: 1e-6, atol: 0)
    expectClose(
      phi.transposed().matmul(known.y[0] - phi.matmul(w)), w * model.layer.damping.square(), rtol: 1e-10, atol: 1e-10)
  }

  @Test func aLossLeavesNothingBehind() throws {
    let model = regressor()
    let (known, queries) = tasks(2, shots: 5)
    try expectNoLeaks {
      let values = model.parameters().map(\.value)
      _ = try gradients(of: model.loss(on: queries, from: known), withRespectTo: values)
    }
  }
}

@Suite struct FewShotTrainingTests {
  private func features() -> FeatureNetwork {
    var generator = RandomGenerator(seed: 0, purpose: .initialization)
    return FeatureNetwork(widths: [12, 12], using: &generator)
  }

  private func layered() -> FewShotRegressor {
    FewShotRegressor(features: features(), layer: LeastSquaresLayer(damping: 0.1))
  }

  private func trained() throws -> FewShotRegressor {
    let model = layered()
    try FewShotTraining(steps: 50, seed: 0, tasksPerStep: 4).train(model)
    return model
  }

  @Test func trainingLowersTheErrorOnNewTasks() throws {
    var generator = RandomGenerator(seed: 0, purpose: .data)
    let evaluation = Evaluation(tasks: 40, shots: 8, using: &generator)
    let before = try evaluation.error(of: layered()).mean
    let after = try evaluation.error(of: trained()).mean
    #expect(after < 0.7 * before, "\(before) became \(after)")
  }

  @Test func trainingWithoutTheLayerLowersTheLoss() throws {
    var generator = RandomGenerator(seed: 3, purpose: .initialization)
    var losses: [Double] = []
    var training = FewShotTraining(steps: 60, seed: 0)
    training.report = { losses.append($1) }
    try training.train(PlainRegressor(features: features(), using: &generator))
    #expect(losses.count == 60)
    #expect(losses.suffix(20).reduce(0, +) < losses.prefix(20).reduce(0, +))
  }

  @Test func trainingIsAFunctionOfTheSeed() throws {
    let (first, second) = (try trained().state(), try trained().state())
    for (name, value) in first { expectIdentical(value, try #require(second[name]), name) }
  }

  @Test func errorIsTheMeanWithItsStandardError() throws {
    var generator = RandomGenerator(seed: 0, purpose: .data)
    let evaluation = Evaluation(tasks: 5, shots: 5, using: &generator)
    let errors = Tensor(try evaluation.errors(of: layered()))
    let error = try evaluation.error(of: layered())
    expectClose(error.mean, errors.mean().item(), rtol: 1e-12, atol: 0)
    expectClose(error.standardError, (errors.variance(0).item() / 5).squareRoot(), rtol: 1e-12, atol: 0)
  }

  @Test func theDampingChosenIsTheBestOnTheTasks() throws {
    var generator = RandomGenerator(seed: 0, purpose: .data)
    let evaluation = Evaluation(tasks: 10, shots: 5, using: &generator)
    let best = try evaluation.bestRegressor(for: features())
    let error = try evaluation.error(of: best).mean
    for damping in [1e-3, 0.1, 10] {
      let other = FewShotRegressor(features: best.features, layer: LeastSquaresLayer(damping: damping))
      #expect(try error <= evaluation.error(of: other).mean * (1 + 1e-6))
    }
  }

  @Test func tasksAreSineWaves() {
    var generator = RandomGenerator(seed: 0, purpose: .data)
    let tasks = SinusoidTasks(count: 50, using: &generator)
    let (x, y) = (tasks.examples(perTask: 3, using: &generator).x, tasks.evenExamples(perTask: 11).y)
    #expect(x.shape == [50, 3] && x.abs().max().item() <= 5)
    // y(x) + y(x + π) = 0, and the amplitude is the largest value over all phases.
    expectClose(tasks.examples(at: x).y, -tasks.examples(at: x + Double.pi).y, atol: 1e-5)
    #expect((y.abs() .<= tasks.amplitude + 1e-6).all())
    #expect(tasks.amplitude.min().item() >= 0.1 && tasks.amplitude.max().item() <= 5)
    #expect(tasks.phase.min().item() >= 0 && tasks.phase.max().item() <= Double.pi)
  }

  @Test func pictureShowsAChartForEachTask() throws {
    var generator = RandomGenerator(seed: 0, purpose: .data)
    let tasks = SinusoidTasks(count: 3, using: &generator)
    let known = tasks.examples(perTask: 5, using: &generator)
    let image = try picture(of: tasks, known: known, before: layered(), after: layered())
    #expect((image.width, image.height) == (1920, 1360))
  }
}

@Suite struct LeastSquaresLayerCommandTests {
  @Test(arguments: [
    (["--steps", "0"], "--steps"), (["--steps", "many"], "many"), (["--seed", "-1"], "--seed"),
    (["picture.jpg"], "picture.jpg"), (["a.png", "b.png"], "b.png"), (["--colour"], "--colour"),
  ])
  func wrongArgumentsAreOneSentence(_ arguments: [String], _ word: String) throws {
    let result = try Program.built("least-squares-layer").expectFailure(arguments, status: 64, mentioning: [word])
    #expect(result.errors.split(separator: "\n").count == 1)
  }
}
