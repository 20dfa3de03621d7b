import Foundation
import ScoreKit
import TestSupport
import Testing

/// The programs of the articles in `Sources/ScoreKit/ScoreKit.docc`, as tests: `articlesShowThesePrograms` keeps the two equal.
// WriteYourOwnScoreModel begins
struct TwoLayerScore: ScoreModel {
  let first: Linear
  let second: Linear

  init(width: Int, using generator: inout RandomGenerator) {
    first = Linear(3, width, using: &generator)
    second = Linear(width, 2, using: &generator)
  }

  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    let sigma = t.broadcastable(toRank: 2)
    let features = Tensor.concatenate([x / (sigma.square() + 1).sqrt(), sigma.log() / 4], along: 1)
    return (second(first(features).silu()) - x) / (sigma.square() + 1)
  }
}
// WriteYourOwnScoreModel ends

@Suite struct ArticleTests {
  @Test func ownModelsLearn() throws {
    // WriteYourOwnScoreModel begins
    Engine.prepare()
    var generator = RandomGenerator(seed: 0, purpose: .initialization)
    let model = TwoLayerScore(width: 64, using: &generator)
    let process = EDMProcess(sigmaMin: 0.01, sigmaMax: 20)
    let trainer = Trainer(
      model, process: process, data: try DatasetSource("moons").load(),
      objective: DenoisingScoreMatching(noiseLevels: .logNormal(), weighting: .edm(sigmaData: 1.5)),
      settings: .init(batchSize: 256, schedule: .init(peak: 1e-2, steps: 200)))
    for _ in 0..<200 { try trainer.advance() }
    let samples = try trainer.withAveragedWeights {
      try HeunSampler().sample(from: model, process: process, shape: [2], seeds: Array(0..<500))
    }
    // WriteYourOwnScoreModel ends
    #expect(samples.shape == [500, 2] && samples.allFinite)
    // Learned: samples are much nearer to the data than those of the model as it was initialized.
    var again = RandomGenerator(seed: 0, purpose: .initialization)
    let untrained = try HeunSampler().sample(
      from: TwoLayerScore(width: 64, using: &again), process: process, shape: [2], seeds: Array(0..<500))
    let data = try DatasetSource("moons").load().examples[0..<2000].to(.float64)
    let (before, after) = (KernelDistance.squared(untrained, data).value, KernelDistance.squared(samples, data).value)
    #expect(after < 0.1 * before, "\(before) \(after)")
  }

  @Test func samplersDrawFromAnExactScore() throws {
    // ChooseASampler begins
    let exact = GaussianMixtureScore(
      weights: [1, 2], means: Tensor([[-2, 0], [2, 0]]), covariances: Tensor([0.2, 0.2]), process: EDMProcess())
    let samplers: [any Sampler] = [
      DPMSolverPlusPlus2M(steps: 12), HeunSampler(steps: 12), ProbabilityFlowSampler(steps: 1),
      DDIMSampler(steps: 100, eta: 1),
    ]
    for sampler in samplers {
      let x = try sampler.sample(from: exact, process: EDMProcess(), shape: [2], seeds: Array(0..<200))
      let right = (x[.all, 0] .> 0).to(.float64).mean().item()
      print(type(of: sampler), sampler.evaluationCount, right)  // two thirds of the samples are on the right
    }
    // ChooseASampler ends
    for sampler in samplers {
      let x = try sampler.sample(from: exact, process: EDMProcess(), shape: [2], seeds: Array(0..<200))
      let right = (x[.all, 0] .> 0).to(.float64).mean().item()
      // Four standard errors of a frequency of two thirds, and a spread about the means of about 0.2.
      #expect(abs(right - 2.0 / 3) < 4 * (2.0 / 9 / 200).squareRoot(), "\(sampler): \(right)")
      let spread = Tensor.stack([x[.all, 0].abs() - 2, x[.all, 1]]).square().mean(1)
      expectClose(spread, Tensor([0.2, 0.2]), rtol: 0, atol: 0.1, "\(sampler)")
    }
    #expect(samplers.map(\.evaluationCount) == [12, 23, 8, 100])
  }

  @Test func misfitHasASlope() throws {
    // DifferentiateThroughLeastSquares begins
    let width = Tensor(0.7, dtype: .float64).variable()
    let places = Tensor.linspace(0, 1, count: 30, dtype: .float64)
    let matrix = FunctionOperator(rows: 30, columns: 8, parameters: [width]) { weights, parameters in
      let centers = Tensor.linspace(0, 1, count: 8, dtype: .float64)
      let distances = places.expandingDimension(at: 1) - centers
      return (-(distances / (0.3 * parameters[0])).square()).exp().matmul(weights.expandingDimension(at: 1)).squeezed(1)
    }
    let observed = (places * 6).sin()
    let fit = try leastSquares(matrix, observed, damping: Tensor(0.01, dtype: .float64))
    let misfit = (try matrix.apply(fit.x) - observed).square().mean()
    let slope = misfit.gradient(withRespectTo: width)  // how the misfit changes with the width of the functions
    // DifferentiateThroughLeastSquares ends
    /// The same with another width and without a record.
    func misfitOf(_ width: Double) throws -> Double {
      let centers = Tensor.linspace(0, 1, count: 8, dtype: .float64)
      let matrix = (-((places.expandingDimension(at: 1) - centers) / (0.3 * width)).square()).exp()
      let fit = try leastSquares(MatrixOperator(matrix), observed, damping: 0.01, solver: DenseSolver())
      return (matrix.matmul(fit.x) - observed).square().mean().item()
    }
    let expected = try (misfitOf(0.701) - misfitOf(0.699)) / 0.002
    #expect(abs(slope.item() / expected - 1) < 1e-3, "\(slope.item()), not \(expected)")
    expectClose(misfit.item(), try misfitOf(0.7), rtol: 1e-6, atol: 0)
  }

  @Test func dampingIsChosen() throws {
    // DifferentiateThroughLeastSquares begins
    let width = Tensor(1, dtype: .float64).variable()
    let offsets = Tensor.linspace(-2, 2, count: 21, dtype: .float64)
    let blur = FunctionOperator(rows: 80, columns: 100, parameters: [width]) { x, parameters in
      let kernel = (-(offsets / parameters[0]).square()).exp().reshaped(1, 1, 1, 21)
      return x.reshaped(1, 1, 1, 100).conv2d(weight: kernel / kernel.sum(), bias: nil).flattened()
    }
    let truth = (Tensor.linspace(0, 6, count: 100, dtype: .float64)).sin()
    var noise = RandomGenerator(seed: 0)
    let observed = try blur.apply(truth).detached() + noise.normal([80], dtype: .float64) * 0.01

    let choice = try chooseDamping(blur, observed, by: .generalizedCrossValidation)
    let solution = try leastSquares(blur, observed, damping: choice.damping, solver: LSMR(tolerance: 1e-10))
    print(solution.stopReason, solution.iterations, solution.condition, solution.warnings)
    let error = (solution.x - truth).square().mean()
    let slope = error.gradient(withRespectTo: width)
    // DifferentiateThroughLeastSquares ends
    #expect(solution.stopReason.isConverged && solution.warnings.isEmpty)
    #expect(error.item() < 0.02, "the mean squared error is \(error.item())")
    #expect(slope.shape == [] && slope.item().isFinite && slope.item() != 0)
  }

  @Test func normsStayWhatTheyAre() throws {
    // ConstrainTraining begins
    Engine.prepare()
    var generator = RandomGenerator(seed: 0, purpose: .initialization)
    let process = EDMProcess()
    let network = MLP(.init(shape: [2], width: 32, blocks: 1), using: &generator)
    let model = MLPScore(network, process: process, parameterization: .edm(sigmaData: 1.5))
    let limit = FixedNorm(of: model)
    let trainer = Trainer(
      model, process: process, data: try DatasetSource("spirals").load(),
      objective: DenoisingScoreMatching(noiseLevels: .logNormal(), weighting: .edm(sigmaData: 1.5)),
      optimizer: NullSpaceProjected(Adam(), constraint: limit),
      settings: .init(batchSize: 128, schedule: .init(peak: 2e-3, steps: 50)))
    for _ in 0..<50 { try trainer.advance() }
    print(try trainer.advance().projection?.constraintNorm ?? 0)
    // ConstrainTraining ends
    var again = RandomGenerator(seed: 0, purpose: .initialization)
    let start = MLP(.init(shape: [2], width: 32, blocks: 1), using: &again)
    var moved = 0
    for (now, before) in zip(network.namedParameters(), start.namedParameters()) {
      let (weights, norm) = (now.parameter.value, before.parameter.value.norm())
      guard weights.rank > 1, norm > 0 else { continue }
      expectClose(weights.norm(), norm, rtol: 1e-3, atol: 0, now.name)
      if (weights - before.parameter.value).norm() > 0.01 * norm { moved += 1 }
    }
    #expect(moved > 3, "training turned the weights")
  }

  @Test func scoresBecomeOdd() throws {
    // ConstrainTraining begins
    var generator = RandomGenerator(seed: 0, purpose: .initialization)
    let process = EDMProcess()
    let model = MLPScore(
      MLP(.init(shape: [2], width: 64, blocks: 1), using: &generator), process: process,
      parameterization: .edm(sigmaData: 1.5))
    let (points, times) = (generator.normal([20, 2]) * 2, Tensor.linspace(0.1, 3, count: 20))
    let odd = OutputEquality.equivariance(
      of: model, at: points, inputTransform: { -$0 }, outputTransform: { -$0 }
    ) { model, x in model.score(x, at: times) }
    let trainer = Trainer(
      model, process: process, data: try DatasetSource("eight-gaussians").load(),
      objective: DenoisingScoreMatching(noiseLevels: .logNormal(), weighting: .edm(sigmaData: 1.5)),
      optimizer: NullSpaceProjected(Adam(), constraint: odd),
      settings: .init(batchSize: 256, schedule: .init(peak: 1e-3, steps: 100)))
    for _ in 0..<100 { try trainer.advance() }
    let report = try trainer.advance().projection
    print(report?.constraintNorm ?? 0, report?.iterations ?? 0)
    // ConstrainTraining ends
    let projection = try #require(report)
    #expect(projection.constraintNorm < 0.1 && projection.iterations > 0)
    // Training without the constraint violates it, as the network was initialized it does not.
    var again = RandomGenerator(seed: 0, purpose: .initialization)
    let free = MLPScore(
      MLP(.init(shape: [2], width: 64, blocks: 1), using: &again), process: process,
      parameterization: .edm(sigmaData: 1.5))
    let plain = Trainer(
      free, process: process, data: try DatasetSource("eight-gaussians").load(),
      objective: DenoisingScoreMatching(noiseLevels: .logNormal(), weighting: .edm(sigmaData: 1.5)),
      settings: .init(batchSize: 256, schedule: .init(peak: 1e-3, steps: 100)))
    for _ in 0..<100 { try plain.advance() }
    let violation = try odd.residual(at: free.parameters().map { $0.value.detached() }).norm()
    #expect(violation > 3 * projection.constraintNorm, "\(violation) \(projection.constraintNorm)")
  }

  @Test func energiesAreSymmetric() throws {
    // MakeScoresConservative begins
    Engine.prepare()
    var generator = RandomGenerator(seed: 0, purpose: .initialization)
    let process = EDMProcess()
    let points = try DatasetSource("eight-gaussians").load()
    let network = MLP(.init(shape: [2], width: 32, blocks: 1), using: &generator)
    let model = NetworkScore(EnergyNetwork(network), process: process, parameterization: .edm(sigmaData: 1.8))
    let examples = try points.batch(at: .range(0, to: 16, dtype: .int64)).examples
    let levels = try asymmetry(
      of: model, process: process, at: [0.5, 2], examples: examples, condition: nil, using: &generator)
    for level in levels { print(level.sigma, level.nasym.value) }  // below 1e-10: symmetric to rounding
    // MakeScoresConservative ends
    // The network's last layer starts at 0; with other weights the energy is still symmetric, and the network is not.
    for parameter in model.parameters() { parameter.value = parameter.value + 0.1 * generator.normal(parameter.shape) }
    let plain = NetworkScore(network, process: process, parameterization: .edm(sigmaData: 1.8))
    func largest(of model: any ScoreModel) throws -> [Double] {
      var generator = RandomGenerator(seed: 1)
      return try asymmetry(
        of: model, process: process, at: [0.5, 2], examples: examples, condition: nil, using: &generator
      ).map(\.nasym.value)
    }
    #expect(levels.map(\.sigma) == [0.5, 2])
    #expect(try (levels.map(\.nasym.value) + largest(of: model)).allSatisfy { $0 < 1e-10 })
    #expect(try largest(of: plain).allSatisfy { $0 > 1e-6 })
  }

  @Test func modelsMoveToTheDevice() throws {
    // UseAGPU begins
    let device = try Device.prepared("auto")
    Engine.prepare()
    var generator = RandomGenerator(seed: 0, purpose: .initialization)
    let model = MLPScore(
      MLP(.init(shape: [2], width: 32, blocks: 1), using: &generator), process: EDMProcess(),
      parameterization: .edm(sigmaData: 1.5))
    model.move(to: device)
    let samples = try EulerSampler(steps: 5).sample(from: model, process: EDMProcess(), shape: [2], seeds: [1, 2, 3])
    // UseAGPU ends
    #expect(samples.shape == [3, 2] && samples.allFinite)
    #expect(model.parameters().allSatisfy { $0.value.device == device })
  }

  @Test func articlesShowThesePrograms() throws {
    let source = try String(contentsOfFile: #filePath, encoding: .utf8)
    var shown = 0
    for page in try DocumentationPage.all()
    where page.path.contains("ScoreKit.docc") && page.name != "GiveYourModelRunsAndTools" {
      let blocks = page.blocks("swift")
      let parts = source.components(separatedBy: "// \(page.name) begins\n").dropFirst().map {
        $0.components(separatedBy: "// \(page.name) ends")[0]
      }
      #expect(
        DocumentationPage.lines(blocks.joined(separator: "\n"))
          == DocumentationPage.lines(parts.joined(separator: "\n")),
        "\(page.path)")
      shown += blocks.count
    }
    #expect(shown == 9)
  }

  /// The package Examples/own-tools is built and used by tests of its own.
  @Test func theArticleOnOwnToolsShowsTheExample() throws {
    let folder = DocumentationPage.root.appendingPathComponent("Examples/own-tools/Sources")
    let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)?.compactMap { $0 as? URL }
    let texts = try (files ?? []).filter { $0.pathExtension == "swift" }.map { file in
      DocumentationPage.lines(try String(contentsOf: file, encoding: .utf8)).joined(separator: "\n")
    }
    let page = try #require(try DocumentationPage.all().first { $0.name == "GiveYourModelRunsAndTools" })
    #expect(page.blocks("swift").count == 6)
    for block in page.blocks("swift") {
      let lines = DocumentationPage.lines(block).joined(separator: "\n")
      #expect(texts.contains { $0.contains(lines) }, "no file of the example has these lines:\n\(block)")
    }
  }

  @Test func pagesOfModulesShowTestedLines() throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
      "ModulePageTests.swift")
    let parts = try String(contentsOf: file, encoding: .utf8).components(separatedBy: "// Module page begins\n")
      .dropFirst().map { DocumentationPage.lines($0.components(separatedBy: "// Module page ends")[0]) }
    var shown = 0
    for page in try DocumentationPage.all() where page.path.contains(".docc") && !page.path.contains("ScoreKit.docc") {
      for block in page.blocks {
        #expect(
          block.language == "swift" && parts.contains(DocumentationPage.lines(block.text)),
          "no test runs this of \(page.path):\n\(block.text)")
        shown += 1
      }
    }
    #expect(shown == parts.count)
  }
}
