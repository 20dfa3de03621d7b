import Foundation
import ScoreKit
import TestSupport
import Testing

@testable import Datasets
@testable import ScoreTraining

// The code of the recipes in CONTRIBUTING.md, without `public`; `contributingShowsThese` keeps both equal.

// Recipe begins
/// Midpoint steps along the probability-flow ODE dx/dσ = (x − D(x; σ))/σ: second order, 2N − 1 evaluations for N steps.
struct MidpointSampler: DiscretizedSampler, Hashable {
  /// 18 levels, spaced as Karras and others (2022) do.
  static let defaultDiscretization = Discretization(steps: 18, schedule: .karras())

  /// The noise levels that the sampler steps through.
  var discretization = Self.defaultDiscretization

  /// Makes a sampler with the default settings.
  init() {}

  /// Two in each step, and one in the last, which goes to the data.
  var evaluationCount: Int { 2 * steps - 1 }

  /// N steps.
  func sample(_ run: inout SamplingRun) throws -> Tensor {
    let levels = try run.levels(discretization)
    var x = levels[0].sigma * run.noise()
    for (current, next) in zip(levels, levels.dropFirst()) {
      let denoised = run.denoised(unscaled: x, at: current)
      if next.sigma == 0 {
        x = denoised
      } else {
        let middle = NoiseLevel(sigma: (current.sigma + next.sigma) / 2, of: run.process)
        let half = x + (middle.sigma - current.sigma) * (x - denoised) / current.sigma
        let slope = (half - run.denoised(unscaled: half, at: middle)) / middle.sigma
        x = x + (next.sigma - current.sigma) * slope
      }
      try run.finishStep(unscaled: x, at: next, denoised: denoised)
    }
    return x
  }
}
// Recipe ends

// Recipe begins
/// The straight path between data and noise: xₜ = (1 − t)·x₀ + t·ε, that is s = 1 − t and σ = t/(1 − t).
struct FlowProcess: DiffusionProcess, Hashable {
  /// The time at which there is the least noise.
  let start: Double
  /// The time at which data are noise.
  let end: Double

  /// Makes a process for times with 0 < start < end < 1.
  init(start: Double = 0.001, end: Double = 0.999) {
    self.start = start
    self.end = end
  }

  /// 1 − t.
  func scale(_ t: Tensor) -> Tensor { 1 - t }
  /// t/(1 − t).
  func sigma(_ t: Tensor) -> Tensor { t / (1 - t) }
  /// σ/(1 + σ).
  func time(sigma: Tensor) -> Tensor { sigma / (sigma + 1) }
  /// From `start` to `end`.
  var timeRange: ClosedRange<Double> { start...end }
}
// Recipe ends

// Recipe begins
/// Denoising score matching with the pseudo-Huber loss √(w·r² + 1) − 1 of the error r, which grows linearly for outliers.
struct HuberScoreMatching: ScoreObjective, Hashable {
  /// The distribution of noise levels.
  var noiseLevels: NoiseDistribution
  /// The weights w of noise levels.
  var weighting: LossWeighting

  /// Makes an objective.
  init(noiseLevels: NoiseDistribution, weighting: LossWeighting) {
    self.noiseLevels = noiseLevels
    self.weighting = weighting
  }

  /// The loss, a scalar: one network evaluation.
  func loss(
    of model: any ScoreModel, on batch: TrainingBatch, process: any DiffusionProcess,
    using generator: inout RandomGenerator
  ) -> Tensor {
    let noisy = NoisyPoints(batch, process: process, noiseLevels: noiseLevels, using: &generator)
    let weights = noisy.factor { weighting(process.sigma($0)) }
    let squares = weights * (noisy.denoised(by: model) - batch.examples).square()
    return ((squares + 1).sqrt() - 1).mean()
  }
}
// Recipe ends

// Recipe begins
extension RecordReader {
  /// Opens one grey picture in the binary format of Netpbm: P5, width, height, 255, and a byte for each pixel.
  init(pgm bytes: RandomAccessBytes) throws(DataError) {
    let header = try bytes.prefix(64)
    let fields = header.split(maxSplits: 4) { [0x20, 0x0A].contains($0) }
    let numbers = fields.dropFirst().prefix(3).compactMap { Int(String(decoding: $0, as: UTF8.self)) }
    guard numbers.count == 3, fields.count == 5, numbers[2] == 255, numbers[0] > 0, numbers[1] > 0,
      numbers[0] <= bytes.count, numbers[1] <= bytes.count / numbers[0]
    else { throw DataError(malformed: bytes.path, "it is no binary PGM file of 8 bits") }
    let size = numbers[0] * numbers[1]
    self.init(
      bytes, count: 1, layout: PictureLayout(shape: [1, numbers[1], numbers[0]], isInterleaved: false),
      offset: bytes.count - size)
  }
}
// Recipe ends

// Recipe begins
/// A permutation: element i of A·x is element `order[i]` of x.
struct PermutationOperator: LinearOperator {
  private let order: Tensor

  /// Makes an operator.
  ///
  /// - Parameter order: each of 0 ..< n once, as `int64` of shape `[n]`.
  init(_ order: [Int]) {
    demand(order.sorted() == Array(order.indices), "\(order) is no permutation")
    self.order = Tensor(order)
  }

  /// n.
  var rows: Int { order.elementCount }
  /// n.
  var columns: Int { order.elementCount }
  /// x in the new order.
  func apply(_ x: Tensor, _ parameters: [Tensor]) -> Tensor { x.gathering(order) }
}
// Recipe ends

@Suite struct RecipeTests {
  @Test func samplersDraw() throws {
    let process = EDMProcess()
    let exact = GaussianMixtureScore(
      weights: [1], means: Tensor([[1, -1]]), covariances: Tensor([0.2]), process: process)
    func samples(_ sampler: any Sampler) throws -> Tensor {
      try sampler.sample(from: exact, process: process, shape: [2], seeds: Array(0..<50))
    }
    // The ODE maps the noise of a seed to one point; second order comes nearer to it than first at equal cost.
    let limit = try samples(ProbabilityFlowSampler(relativeTolerance: 1e-8, absoluteTolerance: 1e-8))
    let midpoint = try (samples(MidpointSampler(steps: 20)) - limit).norm()
    let euler = try (samples(EulerSampler(steps: 39)) - limit).norm()
    #expect(midpoint < 0.5 * euler, "\(midpoint) \(euler)")
    for process in [EDMProcess(), VariancePreserving()] as [any DiffusionProcess] {
      try expectSamplerLaws(of: MidpointSampler(steps: 4), process: process)
    }
    try expectConvergence(of: MidpointSampler(), order: 2)
  }

  @Test func processesDeriveTheRest() throws {
    let process = FlowProcess()
    expectProcessLaws(of: process)
    try expectSamplerLaws(of: HeunSampler(steps: 4), process: process)
    // x = (1 − t)·x₀ + t·ε has the drift −1/(1 − t).
    expectClose(process.drift(0.25), -4.0 / 3, rtol: 1e-12, atol: 0)
    expectClose(process.time(sigma: process.sigma(0.3)), 0.3, rtol: 1e-12, atol: 0)
  }

  @Test func objectivesTrain() throws {
    try expectObjectiveLaws(of: HuberScoreMatching(noiseLevels: .logNormal(), weighting: .edm(sigmaData: 1.5)))
    var generator = RandomGenerator(seed: 0, purpose: .initialization)
    let process = FlowProcess()
    let model = MLPScore(
      MLP(.init(shape: [2], width: 16, blocks: 1), using: &generator), process: process,
      parameterization: .edm(sigmaData: 1.5))
    let trainer = Trainer(
      model, process: process, data: try DatasetSource("moons").load(),
      objective: HuberScoreMatching(noiseLevels: .logNormal(), weighting: .edm(sigmaData: 1.5)),
      settings: .init(batchSize: 128, schedule: .init(peak: 1e-2, steps: 300)))
    let batch = TrainingBatch(examples: try DatasetSource("moons").load().examples[0..<1000].to(.float32))
    func loss() throws -> Double {
      var generator = RandomGenerator(seed: 1)
      return try trainer.objective.loss(of: model, on: batch, process: process, using: &generator).item()
    }
    let before = try loss()
    for _ in 0..<300 { try trainer.advance() }
    let after = try loss()
    #expect(after < 0.96 * before, "\(before) \(after)")
  }

  @Test func readersReadWhatIsThere() throws {
    let file = Array("P5\n3 2\n255\n".utf8) + [1, 2, 3, 4, 5, 6]
    let data = try Dataset(RecordReader(pgm: RandomAccessBytes(Data(file), path: "a.pgm")), loading: .memory)
    #expect(data.examples.shape == [1, 1, 2, 3])
    #expect(data.examples.elements(as: UInt8.self) == [1, 2, 3, 4, 5, 6])
    for damaged in [Data(), Data(file.prefix(9)), Data("P5\n3 900\n255\n1".utf8)] {
      #expect(throws: DataError.self) { try RecordReader(pgm: RandomAccessBytes(damaged, path: "a.pgm")) }
    }
  }

  @Test func operatorsHaveAdjoints() throws {
    let permutation = PermutationOperator([2, 0, 1])
    try expectOperatorLaws(of: permutation)
    let x = Tensor([1, 2, 3]).to(.float64)
    #expect(permutation.apply(x, []).elements(as: Double.self) == [3, 1, 2])
    #expect(try permutation.applyAdjoint(permutation.apply(x, []), []).elements(as: Double.self) == [1, 2, 3])
  }

  @Test func contributingShowsThese() throws {
    let source = try String(contentsOfFile: #filePath, encoding: .utf8)
    let parts = source.components(separatedBy: "// Recipe begins\n").dropFirst().map {
      DocumentationPage.lines($0.components(separatedBy: "// Recipe ends")[0])
    }
    let blocks = try DocumentationPage("CONTRIBUTING.md").blocks("swift").map {
      block in
      DocumentationPage.lines(block).filter { !$0.contains("import ") }.map { $0.replacing("public ", with: "") }
    }
    #expect(blocks == Array(parts))
  }
}
