import ScoreModels
import TestSupport
import Testing
import Torch

/// A process that passes on scale and noise level alone, so that all the rest is derived.
private struct Derived: DiffusionProcess {
  let base: any DiffusionProcess

  func scale(_ t: Tensor) -> Tensor { base.scale(t) }
  func sigma(_ t: Tensor) -> Tensor { base.sigma(t) }
  var timeRange: ClosedRange<Double> { base.timeRange }
  var samplingRange: ClosedRange<Double> { base.samplingRange }
}

/// A process of one's own: scale and noise level only.
private struct Custom: DiffusionProcess {
  func scale(_ t: Tensor) -> Tensor { (t * 0.7 + 1).reciprocal() }
  func sigma(_ t: Tensor) -> Tensor { (t * 3).exp() * t }
  var timeRange: ClosedRange<Double> { 1e-3...1.2 }
}

/// A process as an argument of a test, shown by its name.
struct NamedProcess: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let value: any DiffusionProcess
}

@Suite struct ProcessesTests {
  static let closedForms: [NamedProcess] = [
    NamedProcess(testDescription: "EDM", value: EDMProcess()),
    NamedProcess(testDescription: "VE", value: VarianceExploding()),
    NamedProcess(testDescription: "VP", value: VariancePreserving()),
    NamedProcess(testDescription: "sub-VP", value: SubVariancePreserving()),
    NamedProcess(testDescription: "sub-VP with other rates", value: SubVariancePreserving(betaMin: 0.3, betaMax: 7)),
  ]
  static let all =
    closedForms + [
      NamedProcess(testDescription: "DDPM", value: DiscreteVariancePreserving()),
      NamedProcess(testDescription: "custom", value: Custom()),
    ]

  @Test func everyProcessIsTried() throws {
    try expectEveryConformer(of: "DiffusionProcess", among: Self.all.map(\.value))
  }

  /// Times from the lower to the upper end, closer together at the lower.
  static func times(of process: any DiffusionProcess, inset: Double = 0) -> Tensor {
    let fractions = Tensor.linspace(inset, 1 - inset, count: 13, dtype: .float64).square()
    let range = process.timeRange
    return fractions * (range.upperBound - range.lowerBound) + range.lowerBound
  }

  @Test(arguments: all) func processesKeepTheirLaws(_ process: NamedProcess) {
    // A discrete process has kinks at whole times.
    expectProcessLaws(of: process.value, hasKinksAtWholeTimes: process.value is DiscreteVariancePreserving)
  }

  @Test(arguments: closedForms)
  func closedFormsAgreeWithWhatIsDerived(_ process: NamedProcess) {
    let derived = Derived(base: process.value)
    let t = Self.times(of: process.value)
    expectClose(process.value.drift(t), derived.drift(t), rtol: 1e-10, atol: 1e-12)
    expectClose(process.value.diffusion(t), derived.diffusion(t), rtol: 1e-8, atol: 1e-12)
    let sigma = process.value.sigma(t)
    expectClose(process.value.time(sigma: sigma), derived.time(sigma: sigma), rtol: 1e-9, atol: 1e-12)
    expectClose(process.value.priorStandardDeviation, derived.priorStandardDeviation)
  }

  @Test func constantsAreThoseOfTheLiterature() {
    // score_sde: VP and sub-VP with β = 0.1 … 20 have log s = −¼t²(β₁ − β₀) − ½tβ₀ and deviations √(1 − s²), 1 − s².
    for t in [0.01, 0.5, 1] {
      let logScale = -0.25 * t * t * 19.9 - 0.05 * t
      let scale = Tensor(logScale, dtype: .float64).exp().item()
      let vp = VariancePreserving()
      let subVP = SubVariancePreserving()
      expectClose(vp.scale(t), scale, rtol: 1e-12, atol: 0)
      expectClose(vp.scale(t) * vp.sigma(t), (1 - scale * scale).squareRoot(), rtol: 1e-10, atol: 0)
      expectClose(subVP.scale(t) * subVP.sigma(t), 1 - scale * scale, rtol: 1e-10, atol: 0)
    }
    expectClose(VarianceExploding().sigma(0.5), (0.01 * 50.0).squareRoot(), rtol: 1e-12, atol: 0)
    expectClose(EDMProcess().priorStandardDeviation, 80)
    expectClose(VariancePreserving().priorStandardDeviation, 1, rtol: 1e-4)
    #expect(VarianceExploding().samplingRange.lowerBound == 1e-5)
    #expect(SubVariancePreserving().samplingRange.lowerBound == 1e-3)
  }
}
