import LeastSquares
import ScoreMetrics
import ScoreModels
import TestSupport
import Testing
import Torch

@testable import ScoreTraining

/// s = M·x, whose Jacobian is M everywhere.
struct LinearField: ScoreModel {
  let matrix: Parameter

  init(_ matrix: Tensor) { self.matrix = Parameter(matrix) }

  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor { x.matmul(matrix.value.transposed()) }

  var asymmetry: Double {
    let matrix = matrix.value.detached()
    return (matrix - matrix.transposed()).norm() / matrix.norm()
  }
}

@Suite struct JacobianSymmetryTests {
  private let process = EDMProcess()

  private func data(_ shape: [Int], seed: UInt64 = 3) throws -> TensorData {
    var generator = RandomGenerator(seed: seed)
    return try TensorData(generator.normal(shape))
  }

  private func field(dtype: DType = .float64) -> LinearField {
    var generator = RandomGenerator(seed: 1)
    return LinearField(generator.normal([3, 3], dtype: dtype))
  }

  private func parameters(of model: any ScoreModel) -> [Tensor] { model.parameters().map { $0.value.detached() } }

  @Test func residualIsTheScaledAsymmetryAlongSigns() throws {
    let model = field()
    var generator = RandomGenerator(seed: 7)
    let examples = generator.normal([5, 3], dtype: .float64)
    let probe = AsymmetryProbe(
      at: TrainingBatch(examples: examples), process: process, noiseLevels: .logNormal(), using: &generator)
    let matrix = model.matrix.value.detached()
    let vectors = probe.vectors.to(.float64)
    let variance = process.sigma(probe.points.times).square().to(.float64).reshaped(5, 1)
    let products: Tensor = vectors.matmul((matrix - matrix.transposed()).transposed())
    let expected: Tensor = variance * products / 60.squareRoot()
    #expect((vectors.abs() .== 1).sum().item() == 15)
    // Times, and with them the noise levels, are float32.
    expectClose(try probe.asymmetry(of: model).detached(), expected.flattened(), rtol: 1e-4, atol: 1e-5)
  }

  @Test func squaredNormEstimatesTheNormalizedAsymmetryAtLargeNoise() throws {
    // Far out the score of any data is −x/σ²: with an antisymmetric part of its size, J = −(I + Ω)/σ².
    let turn = Tensor([0.0, -0.3, 0.3, 0.0], shape: [2, 2])
    struct Turned: ScoreModel {
      let matrix: Parameter
      func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
        -x.matmul(matrix.value.transposed()) / t.square().to(x.dtype).broadcastable(toRank: 2)
      }
    }
    let model = Turned(matrix: Parameter(Tensor([1.0, 0, 0, 1], shape: [2, 2]) + turn))
    var constraint = JacobianSymmetry(of: model, process: process, data: try data([50, 2]), pointCount: 40)
    try constraint.prepare(step: 1, at: parameters(of: model))
    let squared = try constraint.residual(at: parameters(of: model)).square().sum().item()
    // ¼‖2Ω‖²_F/D with ‖Ω‖²_F = 0.18.
    #expect(abs(squared - 0.09) < 1e-3)
  }

  @Test func oneFullCorrectionMakesALinearFieldSymmetric() throws {
    let model = field()
    var generator = RandomGenerator(seed: 4)
    let update = generator.normal([3, 3], dtype: .float64)
    var optimizer = NullSpaceProjected(
      GivenUpdate(update),
      constraint: JacobianSymmetry(of: model, process: process, data: try data([20, 3]), pointCount: 6),
      solver: LSMR(tolerance: 1e-12), schedule: .init(correctionRate: 1))
    #expect(model.asymmetry > 0.5)
    let projected = try optimizer.updates(for: [update], at: parameters(of: model))[0]
    model.matrix.value = model.matrix.value + projected
    #expect(model.asymmetry < 1e-8)
    // The symmetric part is the base optimizer's.
    expectClose((projected + projected.transposed()) / 2, (update + update.transposed()) / 2, rtol: 1e-7, atol: 1e-8)
  }

  @Test func withoutCorrectionTheAsymmetryStaysWhatItWas() throws {
    let model = field()
    let before = model.matrix.value.detached()
    var generator = RandomGenerator(seed: 4)
    let update = generator.normal([3, 3], dtype: .float64)
    var optimizer = NullSpaceProjected(
      GivenUpdate(update),
      constraint: JacobianSymmetry(of: model, process: process, data: try data([20, 3]), pointCount: 6),
      solver: LSMR(tolerance: 1e-12), schedule: .init(correctionRate: 0))
    let after = before + (try optimizer.updates(for: [update], at: parameters(of: model))[0])
    expectClose(after - after.transposed(), before - before.transposed(), rtol: 1e-7, atol: 1e-8)
  }

  @Test func energyModelsSatisfyIt() throws {
    var generator = RandomGenerator(seed: 0, purpose: .initialization)
    let network = EnergyNetwork(MLP(.init(shape: [6], width: 16, blocks: 1), using: &generator))
    let model = NetworkScore(network, process: process, parameterization: .edm(sigmaData: 0.5))
    // The last layer starts at 0, and the network with it.
    for parameter in model.parameters() { parameter.value = generator.normal(parameter.shape) * 0.3 }
    let free = NetworkScore(network.base, process: process, parameterization: .edm(sigmaData: 0.5))
    for (model, isSymmetric) in [(model as any ScoreModel, true), (free, false)] {
      var constraint = JacobianSymmetry(of: model, process: process, data: try data([30, 6]))
      try constraint.prepare(step: 1, at: parameters(of: model))
      let norm = try constraint.residual(at: parameters(of: model)).norm()
      #expect(isSymmetric ? norm < 1e-6 : norm > 1e-3)
    }
  }

  @Test func pointsAreAFunctionOfSeedAndStep() throws {
    let model = field()
    func residual(seed: UInt64, step: Int) throws -> Tensor {
      var constraint = JacobianSymmetry(
        of: model, process: process, data: try data([20, 3]), pointCount: 4, seed: seed)
      try constraint.prepare(step: step, at: parameters(of: model))
      return try constraint.residual(at: parameters(of: model)).detached()
    }
    let first = try residual(seed: 0, step: 1)
    #expect(try residual(seed: 0, step: 1).elements(as: Double.self) == first.elements(as: Double.self))
    #expect(try residual(seed: 0, step: 2).elements(as: Double.self) != first.elements(as: Double.self))
    #expect(try residual(seed: 1, step: 1).elements(as: Double.self) != first.elements(as: Double.self))
  }

  @Test func unpreparedAndForeignParametersAreRefused() throws {
    let model = field()
    var constraint = JacobianSymmetry(of: model, process: process, data: try data([20, 3]))
    #expect(throws: ConstraintError.self) { try constraint.residual(at: parameters(of: model)) }
    try constraint.prepare(step: 1, at: parameters(of: model))
    #expect(throws: ConstraintError.self) { try constraint.residual(at: [Tensor.zeros([2, 2])]) }
  }
}

@Suite struct AsymmetryPenaltyTests {
  private let process = EDMProcess()
  private let objective = DenoisingScoreMatching(noiseLevels: .logNormal(), weighting: .inverseVariance)

  private func loss(_ objective: any ScoreObjective, _ model: any ScoreModel) throws -> Double {
    var generator = RandomGenerator(seed: 2)
    let batch = TrainingBatch(examples: generator.normal([12, 3], dtype: .float64))
    return try objective.loss(of: model, on: batch, process: process, using: &generator).item()
  }

  @Test func penaltyIsProportionalToItsWeightAndVanishesForGradients() throws {
    var generator = RandomGenerator(seed: 1)
    let matrix = generator.normal([3, 3], dtype: .float64)
    let (turning, gradient) = (LinearField(matrix), LinearField(matrix + matrix.transposed()))
    let base = try loss(objective, turning)
    let penalties = try [0, 1, 3].map { try loss(AsymmetryPenalty(objective, weight: $0), turning) - base }
    #expect(penalties[0] == 0)
    #expect(penalties[1] > 1e-3)
    #expect(abs(penalties[2] - 3 * penalties[1]) < 1e-9 * penalties[2])
    #expect(try loss(AsymmetryPenalty(objective, weight: 5), gradient) == loss(objective, gradient))
  }

  private struct Nothing: ScoreObjective {
    func loss(
      of model: any ScoreModel, on batch: TrainingBatch, process: any DiffusionProcess,
      using generator: inout RandomGenerator
    ) -> Tensor { Tensor(0, dtype: .float64) }
  }

  @Test func gradientDescentOnThePenaltySymmetrizes() throws {
    var generator = RandomGenerator(seed: 1)
    let model = LinearField(generator.normal([3, 3], dtype: .float64))
    let before = model.asymmetry
    let penalty = AsymmetryPenalty(Nothing(), weight: 1, noiseLevels: .logNormal(mean: 0, deviation: 0.3))
    for _ in 0..<40 {
      let batch = TrainingBatch(examples: generator.normal([16, 3], dtype: .float64))
      let loss = try penalty.loss(of: model, on: batch, process: process, using: &generator)
      model.matrix.value =
        model.matrix.value - 0.5 * (try gradients(of: loss, withRespectTo: [model.matrix.value])[0])
    }
    #expect(model.asymmetry < 1e-2 * before)
  }
}
