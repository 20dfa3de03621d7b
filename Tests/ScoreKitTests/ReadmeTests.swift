import Foundation
import ScoreKit
import TestSupport
import Testing

/// The library examples of README.md, as tests: `readmeShowsThisProgram` keeps the two equal.
// README begins
struct LinearScore: ScoreModel {
  let layer: Linear
  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    -layer(x) / (t.square() + 1).broadcastable(toRank: x.rank)
  }
}
// README ends

@Suite struct ReadmeTests {
  @Test func exampleRuns() throws {
    try temporaryFolder { folder in
      let path = "\(folder)/moons.png"
      // README begins
      var generator = RandomGenerator(seed: 0, purpose: .initialization)
      let model = LinearScore(layer: Linear(2, 2, using: &generator))
      let trainer = Trainer(
        model, process: EDMProcess(), data: try DatasetSource("moons").load(),
        objective: DenoisingScoreMatching(noiseLevels: .logNormal(), weighting: .edm(sigmaData: 1.5)),
        settings: .init(batchSize: 256, schedule: .init(peak: 1e-2, steps: 200)))
      for _ in 0..<200 { try trainer.advance() }
      let samples = try HeunSampler().sample(from: model, process: EDMProcess(), shape: [2], seeds: Array(0..<1000))
      try Image.picture(of: samples).write(toPNG: path)
      // README ends
      let picture = try Image(contentsOfPNG: path)
      #expect(picture.width == 720)
      #expect(samples.shape == [1000, 2] && samples.allFinite)
      // Training has lowered the loss, on the same noisy points.
      func loss(_ model: LinearScore) throws -> Double {
        var generator = RandomGenerator(seed: 1)
        return try trainer.objective.loss(
          of: model, on: TrainingBatch(examples: DatasetSource("moons").load().examples[0..<1000].to(.float32)),
          process: EDMProcess(), using: &generator
        ).item()
      }
      var again = RandomGenerator(seed: 0, purpose: .initialization)
      let (before, after) = (try loss(LinearScore(layer: Linear(2, 2, using: &again))), try loss(model))
      #expect(after < 0.8 * before, "\(before) \(after)")
    }
  }

  @Test func leastSquaresExampleRuns() throws {
    // README begins
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
    // README ends
    #expect(solution.stopReason.isConverged && solution.warnings.isEmpty)
    #expect(error.item() < 0.02, "the mean squared error is \(error.item())")
    #expect(slope.shape == [] && slope.item().isFinite && slope.item() != 0)
  }

  @Test func constraintExampleRuns() throws {
    // README begins
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
    // README ends
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

  @Test func linksLeadToFiles() throws {
    for page in ["README.md", "Benchmarks/README.md", "outputs/README.md"] {
      let file = Self.root.appendingPathComponent(page)
      let text = try String(contentsOf: file, encoding: .utf8)
      for match in text.matches(of: /\]\(([^)#]+)\)/) where !match.1.contains("://") {
        let target = file.deletingLastPathComponent().appendingPathComponent(String(match.1)).path
        #expect(FileManager.default.fileExists(atPath: target), "\(page) links to \(match.1)")
      }
    }
  }

  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  @Test func readmeShowsThisProgram() throws {
    func lines(_ text: Substring) -> [String] {
      text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }
    let readme = try String(contentsOf: Self.root.appendingPathComponent("README.md"), encoding: .utf8)
    let blocks = readme.components(separatedBy: "```swift\n").dropFirst().map {
      $0.components(separatedBy: "```")[0]
    }
    #expect(blocks.count == 3)
    let source = try String(contentsOfFile: #filePath, encoding: .utf8)
    let parts = source.components(separatedBy: "// README begins\n").dropFirst().map {
      $0.components(separatedBy: "// README ends")[0]
    }
    let program = blocks.joined().replacingOccurrences(of: "\"moons.png\"", with: "path")
    let shown = lines(Substring(program)).filter { $0 != "import ScoreKit" }
    #expect(shown == lines(Substring(parts.joined(separator: "\n"))))
  }
}
