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

  @Test(arguments: [
    (EDMProcess() as any DiffusionProcess, [0.1, 2.0]), (VarianceExploding(), [0.2, 0.8]),
    (VariancePreserving(), [0.1, 0.9]), (SubVariancePreserving(), [0.1, 0.9]),
  ]) func theScoreIsMinusTheGradientOfTheEnergy(process: any DiffusionProcess, times: [Double]) {
    let model = EnergyScore(
      EnergyNetwork(Self.base()), process: process, parameterization: .edm(sigmaData: 0.5, noiseScale: 3))
    let (x, t, labels) = (normal([2, 5]).variable(), Tensor(times), Tensor([2, 3]))
    let energy = model.energy(x, at: t, condition: labels)
    #expect(energy.shape == [2])
    expectClose(
      model.score(x, at: t, condition: labels), -energy.sum().gradient(withRespectTo: x), rtol: 1e-8, atol: 1e-8)
  }
}
