import ScoreKit
import TestSupport
import Testing

/// The lines of code on the pages of the modules; `ArticleTests` keeps the pages and these equal.
@Suite struct ModulePageTests {
  @Test func solvesHaveGradients() throws {
    var generator = RandomGenerator(seed: 0)
    let matrix = generator.normal([6, 3], dtype: .float64).variable()
    let b = generator.normal([6], dtype: .float64).variable()
    let delta = Tensor(0.1, dtype: .float64).variable()
    // Module page begins
    let solution = try leastSquares(MatrixOperator(matrix), b, damping: delta)
    let gradient = try gradients(of: solution.x.square().sum(), withRespectTo: [matrix, b, delta])
    // Module page ends
    #expect(gradient.map(\.shape) == [[6, 3], [6], []])
    // The norm of the solution is homogeneous of degree 2 in b.
    expectClose((gradient[1] * b).sum().item(), 2 * solution.x.square().sum().item(), rtol: 1e-6, atol: 0)
  }

  @Test func asymmetryHasErrors() throws {
    let process = EDMProcess()
    let model = GaussianMixtureScore(
      weights: [1, 2], means: Tensor([[-2, 0], [2, 0]]), covariances: Tensor([0.2, 0.2]), process: process)
    var generator = RandomGenerator(seed: 0)
    let examples = generator.normal([16, 2], dtype: .float64)
    // Module page begins
    let levels = try asymmetry(of: model, process: process, at: [0.1, 0.5, 2], examples: examples, using: &generator)
    for level in levels { print(level.sigma, level.nasym.value, level.nasym.standardError) }
    // Module page ends
    #expect(levels.map(\.sigma) == [0.1, 0.5, 2])
    #expect(levels.allSatisfy { $0.nasym.value < 1e-10 }, "the score of a mixture is a gradient")
  }

  @Test func constraintsAreClosures() throws {
    struct Model: ScoreModel {
      let output: Linear
      func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor { -output(x) }
    }
    var generator = RandomGenerator(seed: 0, purpose: .initialization)
    let model = Model(output: Linear(2, 2, using: &generator))
    // Module page begins
    let constraint = FunctionConstraint(of: model) { model in model.output.weight.value.sum() - 1 }
    let optimizer = NullSpaceProjected(Adam(), constraint: constraint)
    // Module page ends
    let trainer = Trainer(
      model, process: EDMProcess(), data: try DatasetSource("moons").load(),
      objective: DenoisingScoreMatching(noiseLevels: .logNormal(), weighting: .edm(sigmaData: 1.5)),
      optimizer: optimizer, settings: .init(batchSize: 64, schedule: .init(peak: 1e-2, steps: 50)))
    for _ in 0..<50 { try trainer.advance() }
    #expect(abs(model.output.weight.value.sum().item() - 1) < 1e-3)
  }

  @Test func chartsHaveLogarithmicAxes() {
    // Module page begins
    let losses = (1...400).map { (x: Double($0), y: 1 / Double($0)) }
    let chart = LineChart(
      title: "Training", xLabel: "training step", yLabel: "loss", series: [.smoothed("loss", points: losses)],
      xScale: .logarithmic, yScale: .logarithmic)
    let picture = chart.image()
    // Module page ends
    #expect((picture.width, picture.height) == (1280, 800))
  }

  @Test func samplersKeepTheirLaws() throws {
    // Module page begins
    for process in [EDMProcess(), VariancePreserving()] as [any DiffusionProcess] {
      try expectSamplerLaws(of: HeunSampler(steps: 4), process: process)
    }
    try expectConvergence(of: HeunSampler(), order: 2)
    // Module page ends
  }
}
