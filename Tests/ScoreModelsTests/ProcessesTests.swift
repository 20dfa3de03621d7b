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

  @Test(arguments: all)
  func driftAndDiffusionAreTheDerivativesOfScaleAndNoise(_ process: NamedProcess) {
    let process = process.value
    // A discrete process has kinks at whole times.
    let isDiscrete = process is DiscreteVariancePreserving
    let times = Self.times(of: process, inset: 0.05)
    let t = isDiscrete ? times.floor() + 0.5 : times
    // Central differences with extrapolation; the step is small against the distance to t = 0 or a kink.
    let step = isDiscrete ? Tensor.full(like: t, 0.02) : t * 1e-3
    func derivative(_ function: (Tensor) -> Tensor) -> Tensor {
      func difference(_ h: Tensor) -> Tensor { (function(t + h) - function(t - h)) / (h * 2) }
      return (4 * difference(step) - difference(step * 2)) / 3
    }
    expectClose(process.drift(t), derivative { process.scale($0).log() }, rtol: 1e-7, atol: 1e-9)
    let rate = process.scale(t).square() * derivative { process.sigma($0).square() }
    expectClose(process.diffusion(t).square(), rate, rtol: 1e-7, atol: 1e-9)
    // The other formula for g² (Karras et al., equation 10) agrees: g² = 2s²σσ̇.
    let other = 2 * process.scale(t).square() * process.sigma(t) * derivative { process.sigma($0) }
    expectClose(process.diffusion(t).square(), other, rtol: 1e-7, atol: 1e-9)
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

  @Test(arguments: all)
  func timeIsTheInverseOfTheNoiseLevel(_ process: NamedProcess) {
    let process = process.value
    let t = Self.times(of: process)
    let sigma = process.sigma(t)
    expectClose(process.time(sigma: sigma), t, rtol: 1e-9, atol: 1e-12)
    expectClose(process.sigma(process.time(sigma: sigma)), sigma, rtol: 1e-9, atol: 0)
    let levels: [Double] = sigma.elements()
    #expect(zip(levels, levels.dropFirst()).allSatisfy(<), "σ does not grow: \(levels)")
    for (time, level) in zip(t.elements(as: Double.self), levels) {
      expectClose(process.time(sigma: level), time, rtol: 1e-9, atol: 1e-12)
    }
  }

  @Test(arguments: all)
  func singlePrecisionAgreesWithDouble(_ process: NamedProcess) {
    let process = process.value
    // Both see the same times: those that single precision can tell apart.
    let single = Self.times(of: process).to(.float32)
    let double = single.to(.float64)
    for (name, function) in [
      ("scale", process.scale as (Tensor) -> Tensor), ("sigma", process.sigma), ("drift", process.drift),
      ("diffusion", process.diffusion),
    ] {
      #expect(function(single).dtype == .float32 && function(double).dtype == .float64)
      expectClose(function(single), function(double), rtol: 2e-5, atol: 1e-7, name)
    }
    let sigma = process.sigma(double).to(.float32)
    #expect(process.time(sigma: sigma).dtype == .float32)
    expectClose(process.time(sigma: sigma), process.time(sigma: sigma.to(.float64)), rtol: 2e-5, atol: 1e-6)
  }

  @Test(arguments: all)
  func valuesOfSingleTimesAreThoseOfTensors(_ process: NamedProcess) {
    let process = process.value
    let t = 0.37
    let tensor = Tensor([t])
    expectClose(process.scale(t), process.scale(tensor).item(), rtol: 1e-15, atol: 0)
    expectClose(process.sigma(t), process.sigma(tensor).item(), rtol: 1e-15, atol: 0)
    expectClose(process.drift(t), process.drift(tensor).item(), rtol: 1e-15, atol: 0)
    expectClose(process.diffusion(t), process.diffusion(tensor).item(), rtol: 1e-15, atol: 0)
  }

  @Test(arguments: all)
  func noisyDataHaveTheMeanAndVarianceOfTheKernel(_ process: NamedProcess) {
    let process = process.value
    var generator = RandomGenerator(seed: 9)
    let count = 4000
    let t = 0.4
    let data = Tensor([1.5, -0.5]).expanded(to: [count, 2])
    let noise = generator.normal([count, 2], dtype: .float64)
    let x = process.perturb(data, noise: noise, at: .full([count], t, dtype: .float64))
    let deviation = process.scale(t) * process.sigma(t)
    expectKernel(x, mean: process.scale(t) * data[0], deviation: deviation)
    expectClose(x, process.scale(t) * data + deviation * noise, rtol: 1e-12, atol: 1e-12)
    let single = process.perturb(
      data.to(.float32), noise: noise.to(.float32), at: .full([count], t, dtype: .float64))
    #expect(single.dtype == .float32)
    expectClose(single, x, rtol: 1e-5, atol: 1e-5 * deviation)
  }

  /// Mean and variance within 4 standard errors, those of normal variables.
  private func expectKernel(_ x: Tensor, mean: Tensor, deviation: Double) {
    let count = Double(x.size(0))
    expectClose(x.mean(0), mean, rtol: 0, atol: 4 * deviation / count.squareRoot(), "mean")
    let variance = deviation * deviation
    expectClose(
      (x - mean).square().mean(0), Tensor.full(like: mean, variance), rtol: 0,
      atol: 4 * variance * (2 / count).squareRoot(), "variance")
  }

  /// dx = f·x dt + g dw from σ = 0.1 to 2 reaches the law of the chain x₂ = (s₂/s₁)·x₁ + s₂·√(σ₂² − σ₁²)·ε.
  @Test(arguments: all)
  func theForwardEquationReachesTheKernel(_ process: NamedProcess) {
    let process = process.value
    var generator = RandomGenerator(seed: 10)
    let count = 2000
    // Midpoints of steps of equal ratios in σ, so that the error of a step is of second order.
    let steps = 100
    let levels = Tensor.linspace(0, 1, count: steps + 1, dtype: .float64)
    let sigmas = (levels * Tensor(20.0, dtype: .float64).log() + Tensor(0.1, dtype: .float64).log()).exp()
    let times: [Double] = process.time(sigma: sigmas).elements()
    let start = Tensor([1.5, -0.5])
    var x = start.expanded(to: [count, 2])
    for (from, to) in zip(times, times.dropFirst()) {
      let (dt, middle) = (to - from, 0.5 * (from + to))
      x =
        x * (1 + process.drift(middle) * dt)
        + process.diffusion(middle) * dt.squareRoot() * generator.normal([count, 2], dtype: .float64)
    }
    let (first, last) = (times[0], times[steps])
    expectKernel(
      x, mean: start * (process.scale(last) / process.scale(first)),
      deviation: process.scale(last) * (4 - 0.01).squareRoot())
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
