import ScoreModels
import TestSupport
import Testing
import Torch

@Suite struct ClassifierFreeGuidanceTests {
  /// A score that tells its condition and counts its evaluations.
  struct Labelled: ScoreModel {
    final class Counter: @unchecked Sendable { var calls = 0 }
    let counter = Counter()
    let weight = Parameter(.ones([1]))

    func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
      counter.calls += 1
      let label = condition.map { ($0.to(.float32) + 1).broadcastable(toRank: x.rank) } ?? .zeros([1])
      return -x + label
    }
  }

  let x = Tensor([0.5, 1, -2, 0.25], shape: [2, 2]).to(.float32)
  let t = Tensor([0.5, 2]).to(.float32)
  let labels = Tensor([0, 3])

  @Test(arguments: [(-0.5, 2), (0, 1), (0.5, 2), (1, 1), (1.5, 2), (4, 2)])
  func theScoreIsLedAwayFromTheUnconditionalOne(_ weight: Double, _ evaluations: Int) {
    let base = Labelled()
    let model = ClassifierFreeGuidance(base, weight: weight)
    let expected = -x + weight * Tensor([1.0, 4], shape: [2, 1]).to(.float32)
    expectClose(model.score(x, at: t, condition: labels), expected, rtol: 1e-6, atol: 1e-6)
    #expect(base.counter.calls == evaluations)
  }

  @Test(arguments: [-0.5, 0, 1, 3])
  func withoutAConditionItIsTheUnconditionalScore(_ weight: Double) {
    let base = Labelled()
    expectIdentical(ClassifierFreeGuidance(base, weight: weight).score(x, at: t), -x)
    #expect(base.counter.calls == 1)
  }

  @Test(arguments: [0, 1, 2.5])
  func theDenoiserIsThatOfTheGuidedScore(_ weight: Double) {
    var generator = RandomGenerator(seed: 1)
    let process = VariancePreserving()
    let base = NetworkScore(
      MLP(.init(shape: [2], width: 8, blocks: 1, classCount: 4), using: &generator), process: process,
      parameterization: .edm(sigmaData: 0.5))
    for parameter in base.parameters() { parameter.value = generator.normal(parameter.shape) * 0.3 }
    base.convert(to: .float64)
    let model = ClassifierFreeGuidance(base, weight: weight)
    let (x, t) = (x.to(.float64), Tensor([0.3, 0.8]))
    let (scale, sigma) = (process.scale(t).reshaped(2, 1), process.sigma(t).reshaped(2, 1))
    let tweedie = x / scale + scale * sigma.square() * model.score(x, at: t, condition: labels)
    expectClose(model.denoised(x, at: t, process: process, condition: labels), tweedie, rtol: 1e-10, atol: 1e-10)
  }

  /// clip(D(∅) + w·(D(c) − D(∅))), as the schedulers of diffusers have it.
  @Test(arguments: [-0.5, 0, 1.5, 4])
  func aLimitOfDenoisedValuesIsKeptByTheGuidedOnes(_ weight: Double) {
    let process = EDMProcess()
    let clamped = ClampedScore(Labelled(), process: process, limit: 0.75)
    let guided = clamped.guided(weight: weight)
    let denoised = guided.denoised(x, at: t, process: process, condition: labels)
    func free(_ condition: Tensor?) -> Tensor {
      Labelled().denoised(x, at: t, process: process, condition: condition)
    }
    let expected = (free(nil) + weight * (free(labels) - free(nil))).clamped(to: -0.75...0.75)
    expectClose(denoised, expected, rtol: 1e-6, atol: 1e-6)
    let variance = t.square().reshaped(2, 1)
    expectClose(
      guided.score(x, at: t, condition: labels), (expected - x) / variance, rtol: 1e-5, atol: 1e-5)
    // The limit that guidance leaves where it is put around the clamped model.
    if weight == 4 {
      let outside = ClassifierFreeGuidance(clamped, weight: weight)
      #expect(outside.denoised(x, at: t, process: process, condition: labels).abs().max().item() > 1)
    }
  }

  @Test func withoutGuidanceOrALimitNothingIsAdded() throws {
    let clamped = ClampedScore(Labelled(), process: EDMProcess(), limit: 0.75)
    #expect((clamped.guided(weight: 1) as? ClampedScore)?.base is Labelled)
    #expect(Labelled().guided(weight: 1) is Labelled)
    #expect((Labelled().guided(weight: 2) as? ClassifierFreeGuidance)?.weight == 2)
  }

  @Test func parametersKeepTheirNames() {
    #expect(ClassifierFreeGuidance(Labelled(), weight: 2).namedParameters().map(\.name) == ["weight"])
  }

  @Test(arguments: [-0.5, 0, 1, 2.5])
  func theEnergyIsThatOfTheGuidedScore(_ weight: Double) throws {
    let process = VariancePreserving()
    let mixture = GaussianMixtureScore(
      weights: [1, 2, 1, 1], means: Tensor([-1.0, 0, 1, 0.5, 0, 2, 0.3, 0.3], shape: [4, 2]),
      covariances: Tensor([0.3, 0.6, 0.1, 0.2]), process: process)
    let guided = ClassifierFreeGuidance(FixedBatchScore(mixture, batchSize: 3), weight: weight)
    let model = try #require(guided.energyModel)
    let (t, x) = (Tensor([0.3, 0.8]), x.to(.float64))
    for condition in [labels, nil] {
      expectClose(
        model.score(x, at: t, condition: condition), guided.score(x, at: t, condition: condition), rtol: 0, atol: 0)
      let variable = x.variable()
      let energy = model.energy(variable, at: t, condition: condition)
      #expect(energy.shape == [2])
      expectClose(
        -energy.sum().gradient(withRespectTo: variable), guided.score(x, at: t, condition: condition), rtol: 1e-9,
        atol: 1e-9)
      expectClose(
        model.denoised(x, at: t, process: process, condition: condition),
        guided.denoised(x, at: t, process: process, condition: condition), rtol: 0, atol: 0)
    }
    #expect(ClassifierFreeGuidance(Labelled(), weight: weight).energyModel == nil)
  }

  /// The guided score of a class of a mixture is that of p(x)·(p(x|c)/p(x))^w.
  @Test func theGuidedScoreOfAMixtureIsThatOfTheSharpenedDensity() {
    let mixture = GaussianMixtureScore(
      weights: [1, 1], means: Tensor([-1.0, 0, 1, 0.5], shape: [2, 2]), covariances: Tensor([0.3, 0.6]),
      process: EDMProcess())
    let (x, t) = (Tensor([0.2, -0.4], shape: [1, 2]).variable(), Tensor([0.7]))
    let label = Tensor([1])
    let whole = mixture.logDensity(x, at: t)
    let density = whole + 2.5 * (mixture.logDensity(x, at: t, condition: label) - whole)
    expectClose(
      ClassifierFreeGuidance(mixture, weight: 2.5).score(x, at: t, condition: label),
      density.sum().gradient(withRespectTo: x), rtol: 1e-10, atol: 1e-10)
  }
}
