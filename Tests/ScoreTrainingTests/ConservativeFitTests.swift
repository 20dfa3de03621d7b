import ScoreMetrics
import ScoreModels
import ScoreTraining
import TestSupport
import Testing
import Torch

@Suite struct ConservativeFitTests {
  private let process = EDMProcess()
  private let objective = DenoisingScoreMatching(
    noiseLevels: .logNormal(mean: -0.5, deviation: 1), weighting: .edm(sigmaData: 0.7))
  private let settings = ConservativeFit(
    pointCount: 256, dataCount: 512, dataRate: 0.1, iterationLimit: 15, stepLimit: 30, checkInterval: 2,
    sigmas: [0.3, 1], checkCount: 256)

  private func data() throws -> TensorData {
    var generator = RandomGenerator(seed: 3)
    let angle = generator.uniform([400]) * (2 * Double.pi)
    let ring = Tensor.stack([angle.cos(), angle.sin()], along: 1) + generator.normal([400, 2]) * 0.05
    return try TensorData(ring)
  }

  private func trained(_ data: TensorData, steps: Int = 200) throws -> MLPScore {
    var generator = RandomGenerator(seed: 0, purpose: .initialization)
    let model = MLPScore(
      MLP(.init(shape: [2], width: 24, blocks: 1), using: &generator), process: process,
      parameterization: .edm(sigmaData: 0.7))
    let trainer = Trainer(
      model, process: process, data: data, objective: objective,
      settings: .init(batchSize: 64, schedule: .init(peak: 5e-3, steps: steps)))
    for _ in 0..<steps { try trainer.advance() }
    return model
  }

  private func loss(_ model: any ScoreModel, _ data: TensorData) -> Double {
    var generator = RandomGenerator(seed: 9)
    let batch = TrainingBatch(examples: data.examples)
    return (0..<8).map { _ in objective.loss(of: model, on: batch, process: process, using: &generator).item() }
      .reduce(0, +) / 8
  }

  private func weights(of model: any ScoreModel) -> [[Float]] {
    model.parameters().map { $0.value.detached().elements(as: Float.self) }
  }

  @Test func trainedModelBecomesConservativeAndStaysGood() throws {
    let data = try data()
    let model = try trained(data)
    let before = loss(model, data)
    var observed: [Int] = []
    let reached = try makeConservative(
      model, process: process, data: data, objective: objective, until: 2e-4, settings: settings
    ) { step, _ in observed.append(step) }
    #expect(reached.isReached)
    #expect(reached.before.allSatisfy { $0.nasym.value > 1e-3 })
    #expect(reached.after.allSatisfy { $0.nasym.value <= 2e-4 })
    #expect(observed == Array(stride(from: 0, through: reached.steps, by: 2)))
    #expect(loss(model, data) < 1.03 * before)
    // Measured at other points, exactly.
    var generator = RandomGenerator(seed: 77)
    let others = try asymmetry(
      of: model, process: process, at: [0.3, 1], examples: data.examples[0..<100], method: .exact, using: &generator)
    #expect(others.allSatisfy { $0.nasym.value < 4e-4 })
    // A conservative model is left as it is.
    let values = weights(of: model)
    let again = try makeConservative(
      model, process: process, data: data, objective: objective, until: 2e-4, settings: settings)
    #expect(again.steps == 0 && again.isReached)
    let isUnchanged = weights(of: model) == values
    #expect(isUnchanged)
  }

  @Test func stepLimitIsReportedAndInterruptionRestoresTheWeights() throws {
    let data = try data()
    let model = try trained(data, steps: 20)
    let values = weights(of: model)
    struct Stop: Error {}
    #expect(throws: Stop.self) {
      try makeConservative(
        model, process: process, data: data, objective: objective, until: 0, settings: settings
      ) { step, _ in if step == 2 { throw Stop() } }
    }
    let isUnchanged = weights(of: model) == values
    #expect(isUnchanged)
    var short = settings
    short.stepLimit = 3
    let report = try makeConservative(
      model, process: process, data: data, objective: objective, until: 0, settings: short)
    #expect(report.steps == 3 && !report.isReached)
    #expect(zip(report.before, report.after).allSatisfy { $1.nasym.value < $0.nasym.value })
  }

  @Test(arguments: ["points", "rate", "levels"])
  func settingsThatMakeNoSenseAreRefused(_ what: String) throws {
    let data = try data()
    let model = try trained(data, steps: 1)
    var wrong = settings
    switch what {
    case "points": wrong.pointCount = 0
    case "rate": wrong.dataRate = 1.5
    default: wrong.sigmas = []
    }
    #expect(throws: ConstraintError.self) {
      try makeConservative(model, process: process, data: data, objective: objective, until: 0.1, settings: wrong)
    }
  }
}
