import ScoreModels
import ScoreTraining
import TestSupport
import Testing
import Torch

/// Objectives beside denoising score matching.
@Suite struct ObjectiveTests {
  /// Any smooth score, which is not a gradient.
  private let score = FixedScore { x, t in
    let turned = Tensor.stack([x[.all, 1], -x[.all, 0]], along: 1)
    return (0.3 * turned - x * 0.7).tanh() / (t.square() + 1).broadcastable(toRank: 2)
  }
  private let data = RandomGenerator(seed: 1).withNormal([6000, 2], dtype: .float64) * 0.8

  private func mean(_ objective: any ScoreObjective, process: any DiffusionProcess, rounds: Int = 8) throws -> Double {
    try (0..<rounds).reduce(0) { sum, round in
      var generator = RandomGenerator(seed: 10 + UInt64(round))
      return try sum
        + objective.loss(of: score, on: TrainingBatch(examples: data), process: process, using: &generator).item()
        / Double(rounds)
    }
  }

  @Test(arguments: [0, 1]) func allFormsHaveTheSameExpectation(_ index: Int) throws {
    let process: any DiffusionProcess = index == 0 ? EDMProcess(sigmaMin: 0.2, sigmaMax: 3) : VariancePreserving()
    let levels: NoiseDistribution = index == 0 ? .logUniform : .logNormal(mean: -0.5, deviation: 0.5)
    let weighting = LossWeighting.edm(sigmaData: 0.8)
    let denoising = try mean(DenoisingScoreMatching(noiseLevels: levels, weighting: weighting), process: process)
    let implicit = try mean(ImplicitScoreMatching(noiseLevels: levels, weighting: weighting), process: process)
    let sliced = try mean(
      SlicedScoreMatching(noiseLevels: levels, weighting: weighting, probeCount: 2), process: process)
    #expect(abs(implicit - denoising) < 0.02 * denoising, "\(implicit) \(denoising)")
    #expect(abs(sliced - denoising) < 0.03 * denoising, "\(sliced) \(denoising)")
  }

  @Test func slicesAreAboutTheExactTrace() throws {
    // With a diagonal Jacobian every slice is the trace.
    let diagonal = FixedScore { x, t in -x / (t.square() + 1).broadcastable(toRank: 2) }
    func loss(_ objective: any ScoreObjective) throws -> Double {
      var generator = RandomGenerator(seed: 3)
      return try objective.loss(
        of: diagonal, on: TrainingBatch(examples: data), process: EDMProcess(), using: &generator
      ).item()
    }
    let exact = try loss(ImplicitScoreMatching(noiseLevels: .logNormal(), weighting: .inverseVariance))
    let sliced = try loss(SlicedScoreMatching(noiseLevels: .logNormal(), weighting: .inverseVariance))
    #expect(abs(exact - sliced) < 1e-5 * abs(exact))
  }

  private static let noise = NoiseDistribution.logNormal()
  private static let weighting = LossWeighting.edm(sigmaData: 1)
  /// All objectives.
  private static let objectives: [any ScoreObjective] = [
    DenoisingScoreMatching(noiseLevels: noise, weighting: weighting),
    ImplicitScoreMatching(noiseLevels: noise, weighting: weighting),
    SlicedScoreMatching(noiseLevels: noise, weighting: weighting),
    UncertaintyWeighting(DenoisingScoreMatching(noiseLevels: noise, weighting: weighting)),
    AsymmetryPenalty(DenoisingScoreMatching(noiseLevels: noise, weighting: weighting), weight: 3, pointCount: 4),
  ]

  @Test func everyObjectiveIsTried() throws {
    try expectEveryConformer(of: "ScoreObjective", among: Self.objectives)
  }

  @Test(arguments: objectives.indices) func objectivesKeepTheirLaws(_ index: Int) throws {
    let objective = Self.objectives[index]
    for process in [EDMProcess(), VariancePreserving()] as [any DiffusionProcess] {
      try expectObjectiveLaws(of: objective, process: process) { model in
        // Its loss is a function of the estimates, too.
        objective is UncertaintyWeighting ? UncertainScore(model) : model
      }
    }
  }

  @Test func weightsAreThoseOfTheLiterature() {
    let sigma = Tensor([0.1, 0.5, 2.0])
    expectClose(LossWeighting.minSNR(sigmaData: 1)(sigma), Tensor([5, 4, 0.25]), rtol: 1e-6)
    expectClose(LossWeighting.minSNR(gamma: 2, sigmaData: 0.5)(sigma), Tensor([8, 4, 0.25]), rtol: 1e-6)
  }

  @Test func logUniformLevelsCoverTheRange() {
    var generator = RandomGenerator(seed: 3)
    for process in [EDMProcess(), VariancePreserving()] as [any DiffusionProcess] {
      let times = NoiseDistribution.logUniform.times(1000, process: process, using: &generator)
      let logs: [Double] = process.sigma(times.to(.float64)).log().elements()
      let low = process.sigma(process.timeRange.lowerBound)
      let high = process.sigma(process.timeRange.upperBound)
      let step = (Tensor(high).log() - Tensor(low).log()).item() / 1000
      for (left, right) in zip(logs, logs.dropFirst()) { #expect(abs(right - left - step) < 0.05 * step) }
    }
  }

  @Test func uncertaintyLearnsTheLossOfEachLevel() throws {
    // A model that always says 0 has the loss w(σ)·E x₀² at each level.
    let zero = FixedScore { x, t in -x / t.square().broadcastable(toRank: 2) }
    let model = UncertainScore(zero)
    let data = try TensorData(Tensor.full([64, 2], 0.5, dtype: .float32))
    let trainer = Trainer(
      model, process: EDMProcess(), data: data,
      objective: UncertaintyWeighting(
        DenoisingScoreMatching(noiseLevels: .logNormal(mean: 0, deviation: 0.7), weighting: .inverseVariance)),
      settings: .init(
        batchSize: 64, schedule: LearningRateSchedule(peak: 0.1, warmupSteps: 0, decay: .cosine, steps: 400)))
    for _ in 0..<400 { try trainer.advance() }
    for sigma in [0.4, 1, 2.5] {
      // 0.25/σ².
      let expected = 0.25 / (sigma * sigma)
      let learned = model.logLoss(Tensor([sigma])).exp().elements(as: Double.self)[0]
      #expect(abs(learned / expected - 1) < 0.15, "\(sigma): \(learned), not \(expected)")
    }
  }
}

@Suite struct AugmentationTests {
  private let images = Tensor((0..<48).map { Float($0) }, shape: [4, 1, 3, 4])

  @Test func flippedImagesAreMirrorImages() {
    var generator = RandomGenerator(seed: 2)
    let flipped = Augmentation(flipsHorizontally: true)(images, using: &generator)
    var kinds: Set<Bool> = []
    for index in 0..<4 {
      let (mine, theirs) = (flipped[index].elements(as: Float.self), images[index].elements(as: Float.self))
      let mirrored = (0..<12).map { (pixel: Int) -> Float in theirs[pixel / 4 * 4 + 3 - pixel % 4] }
      #expect(mine == theirs || mine == mirrored)
      kinds.insert(mine == theirs)
    }
    #expect(kinds.count == 2, "some are flipped and some are not")
  }

  @Test func movedImagesRepeatTheirEdges() {
    var generator = RandomGenerator(seed: 1)
    let moved = Augmentation(shift: 1)(images, using: &generator)
    for index in 0..<4 {
      let (mine, theirs) = (moved[index].elements(as: Float.self), images[index].elements(as: Float.self))
      func shifted(_ dy: Int, _ dx: Int) -> [Float] {
        (0..<12).map { pixel in
          let (row, column) = (min(2, max(0, pixel / 4 + dy)), min(3, max(0, pixel % 4 + dx)))
          return theirs[row * 4 + column]
        }
      }
      let candidates = [-1, 0, 1].flatMap { dy in [-1, 0, 1].map { shifted(dy, $0) } }
      #expect(candidates.contains(mine))
    }
  }

  @Test func nothingIsDrawnForNothing() {
    var generator = RandomGenerator(seed: 1)
    let (before, same) = (generator, Augmentation()(images, using: &generator))
    #expect(same.elements(as: Float.self) == images.elements(as: Float.self))
    var (one, two) = (before, generator)
    #expect(one.uniform([1]).item() == two.uniform([1]).item())
  }
}
