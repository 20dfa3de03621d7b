import ScoreMetrics
import ScoreModels
import TestSupport
import Testing
import Torch

@Suite struct EnergyNetworkTests {
  private static func base(features: Int = 5) -> MLP {
    var generator = RandomGenerator(seed: 6, purpose: .initialization)
    return MLP(.init(shape: [features], width: 8, blocks: 2, classCount: 3), using: &generator).randomized()
  }

  @Test(arguments: EnergyForm.allCases) func itIsTheGradientOfItsPotential(form: EnergyForm) {
    let network = EnergyNetwork(Self.base(), form: form)
    let (u, noise, labels) = (normal([3, 5]), normal([3]), Tensor([0, 1, 3]))
    let variable = u.variable()
    let potential = network.potential(variable, noise: noise, condition: labels)
    #expect(potential.shape == [3])
    let factor =
      switch form {
      case .product: u
      case .shiftedProduct: u + 1
      }
    expectClose(
      potential, (factor * network.base(u, noise: noise, condition: labels)).sum(1), rtol: 1e-12, atol: 1e-12)
    expectClose(
      network(u, noise: noise, condition: labels), potential.sum().gradient(withRespectTo: variable), rtol: 1e-12,
      atol: 1e-12)
  }

  @Test(arguments: EnergyForm.allCases) func itsJacobianIsSymmetricWhereThatOfItsBaseIsNot(form: EnergyForm) {
    let base = Self.base()
    let (x, noise) = (normal([1, 5]), Tensor([0.4]))
    let symmetric = jacobian(of: { EnergyNetwork(base, form: form)($0, noise: noise, condition: nil) }, at: x)
    #expect((symmetric - symmetric.transposed()).norm() <= 1e-13 * symmetric.norm())
    let plain = jacobian(of: { base($0, noise: noise, condition: nil) }, at: x)
    #expect((plain - plain.transposed()).norm() > 0.01 * plain.norm())
  }

  @Test(arguments: EnergyForm.allCases) func differencesOfTheEnergyAreThoseThatTheScoreTells(form: EnergyForm) {
    let model = EnergyScore(
      EnergyNetwork(Self.base(), form: form), process: EDMProcess(), parameterization: .edm(sigmaData: 0.5))
    let (x, t, direction, step) = (normal([2, 5]), Tensor([0.2, 1.5]), normal([2, 5], seed: 3), 1e-5)
    let ahead = model.energy(x + direction * step, at: t)
    let behind = model.energy(x - direction * step, at: t)
    let slope = -(model.score(x, at: t) * direction).sum(1)
    expectClose((ahead - behind) / (2 * step), slope, rtol: 1e-7, atol: 1e-7)
    #expect(slope.norm() > 0.1)
  }

  @Test func itIsRecordedOnlyWhereTheCallerRecords() {
    let network = EnergyNetwork(Self.base())
    let (u, noise) = (normal([2, 5]), normal([2]))
    #expect(network(u, noise: noise, condition: nil).requiresGradient)
    let unrecorded = withoutGradients { network(u, noise: noise, condition: nil) }
    #expect(!unrecorded.requiresGradient)
    expectClose(unrecorded, network(u, noise: noise, condition: nil), rtol: 1e-13, atol: 1e-13)
    expectNoLeaks { _ = withoutGradients { network(u, noise: noise, condition: nil) } }
  }

  private static func model(process: Int, _ parameterization: Parameterization) -> EnergyScore<MLP> {
    EnergyScore(
      EnergyNetwork(base()), process: NetworkScoreTests.processes[process], parameterization: parameterization)
  }

  /// Networks are told times of the order of 1, so that neither derivative is small.
  private static let parameterizations: [Parameterization] = [
    .edm(sigmaData: 0.5, noiseScale: 3), .noise(timeScale: 2), .velocity(timeScale: 3), .denoised(timeScale: 1),
  ]

  @Test(arguments: NetworkScoreTests.processes.indices, parameterizations)
  func theScoreIsMinusTheGradientOfTheEnergy(process: Int, parameterization: Parameterization) {
    let model = Self.model(process: process, parameterization)
    let (x, t, labels) = (normal([2, 5]).variable(), Tensor([0.15, 0.9]), Tensor([2, 3]))
    let energy = model.energy(x, at: t, condition: labels)
    #expect(energy.shape == [2])
    let score = model.score(x, at: t, condition: labels)
    expectClose(score, -energy.sum().gradient(withRespectTo: x), rtol: 1e-12, atol: 1e-13 * score.norm())
    #expect(score.norm() > 0.1)
  }

  @Test(arguments: NetworkScoreTests.processes.indices, parameterizations)
  func itsEnergyHasTheScoreAsFiniteDifferences(process: Int, parameterization: Parameterization) {
    let model = Self.model(process: process, parameterization)
    let (t, labels) = (Tensor([0.2, 0.8]), Tensor([2, 3]))
    let (x, direction, h) = (normal([2, 5]), normal([2, 5], seed: 8), 1e-4)
    func energy(_ step: Double) -> Tensor { model.energy(x + step * direction, at: t, condition: labels) }
    let slope = (8 * (energy(h) - energy(-h)) - (energy(2 * h) - energy(-2 * h))) / (12 * h)
    let expected = -(model.score(x, at: t, condition: labels) * direction).sum(1)
    expectClose(slope, expected, rtol: 1e-7, atol: 1e-9 * (1 + expected.norm()))
    #expect(expected.norm() > 0.1)
  }

  @Test(arguments: NetworkScoreTests.processes.indices, parameterizations)
  func itsScoreHasNoAsymmetry(process: Int, parameterization: Parameterization) throws {
    let process = NetworkScoreTests.processes[process]
    let plain = NetworkScore(Self.base(), process: process, parameterization: parameterization)
    let energy = EnergyScore(EnergyNetwork(Self.base()), process: process, parameterization: parameterization)
    func values(_ model: any ScoreModel) throws -> [Double] {
      var generator = RandomGenerator(seed: 3)
      let levels = [0.1, 1, 3].map { max($0, process.sigma(process.timeRange.lowerBound)) }
      return try asymmetry(of: model, process: process, at: levels, examples: normal([20, 5]), using: &generator)
        .map(\.nasym.value)
    }
    let nasym = try values(energy)
    #expect(nasym.allSatisfy { $0 < 1e-12 }, "\(nasym)")
    #expect(try values(plain).allSatisfy { $0 > 1e-6 })
  }

  /// What a Metropolis step needs: differences of energies of 64 numbers that are σ apart, which rounding must leave small
  /// against 1 at every noise level, though σ_d/σ makes the energies themselves large.
  @Test(arguments: [(0.002, 0.05), (0.2, 1e-3), (80, 2e-4)])
  func differencesOfEnergiesSurviveSinglePrecision(_ sigma: Double, _ bound: Double) {
    let process = EDMProcess()
    func model(_ dtype: DType) -> EnergyScore<MLP> {
      var generator = RandomGenerator(seed: 6, purpose: .initialization)
      let network = MLP(.init(shape: [64], width: 64, blocks: 2), using: &generator).randomized()
      let model = EnergyScore(EnergyNetwork(network), process: process, parameterization: .edm(sigmaData: 0.5))
      model.convert(to: dtype)
      return model
    }
    let x = normal([100, 64]) * (0.25 + sigma * sigma).squareRoot()
    let y = x + sigma * normal([100, 64], seed: 8)
    func difference(_ dtype: DType) -> Tensor {
      let (model, t) = (model(dtype), Tensor.full([100], sigma, dtype: dtype))
      func energy(_ x: Tensor) -> Tensor { model.energy(x.to(dtype), at: t, condition: nil).to(.float64) }
      return energy(y) - energy(x)
    }
    let error = (difference(.float32) - difference(.float64)).square().mean().item().squareRoot()
    #expect(error > 0 && error < bound, "differences are off by \(error)")
  }

  @Test func whereTheNetworkHasAPotentialTheScoreHasAnEnergy() throws {
    let process = EDMProcess()
    let (x, t) = (normal([2, 5]), Tensor([0.5, 2]))
    for parameterization in NetworkScoreTests.parameterizations {
      let model = EnergyScore(EnergyNetwork(Self.base()), process: process, parameterization: parameterization)
      let energyModel = try #require(model.energyModel)
      expectIdentical(energyModel.energy(x, at: t), model.energy(x, at: t, condition: nil))
      let plain = NetworkScore(Self.base(), process: process, parameterization: parameterization)
      #expect(plain.energyModel == nil)
    }
  }
}
