public import ScoreModels
public import Testing
internal import Torch

/// Expects a process to keep the laws of diffusion processes.
///
/// - s is positive and finite, σ is positive and grows, and both depend on each time alone.
/// - `time(sigma:)` is the inverse of `sigma`.
/// - Drift and diffusion are f = d log s/dt and g² = s²·dσ²/dt, compared with finite differences.
/// - Single precision agrees with double precision, and single times with tensors of times.
/// - Noisy data have the mean s·x₀ and the deviation s·σ.
/// - The forward equation dx = f·x dt + g dw leads from one noise level to the distribution at another.
///
/// - Parameters:
///   - process: the process.
///   - hasKinksAtWholeTimes: whether the process is smooth only between whole times, as the process of DDPM is.
///   - sourceLocation: where failures are reported; by default at the call.
/// - Complexity: a simulation of 2000 points over 100 steps; less than a second.
public func expectProcessLaws(
  of process: any DiffusionProcess, hasKinksAtWholeTimes: Bool = false,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let laws = ProcessLaws(process: process, hasKinks: hasKinksAtWholeTimes, location: sourceLocation)
  guard laws.noiseGrows() else { return }
  laws.timeIsTheInverseOfTheNoiseLevel()
  laws.driftAndDiffusionAreDerivatives()
  laws.singlePrecisionAgreesWithDouble()
  laws.singleTimesAgreeWithTensors()
  laws.noisyDataHaveTheMeanAndVarianceOfTheKernel()
  laws.forwardEquationReachesTheKernel()
}

private struct ProcessLaws {
  let process: any DiffusionProcess
  let hasKinks: Bool
  let location: SourceLocation

  private func law(_ sentence: String) -> Law { Law(sentence, of: process, at: location) }

  /// Times from the lower to the upper end, closer together at the lower.
  private func times(inset: Double = 0) -> Tensor {
    let fractions = Tensor.linspace(inset, 1 - inset, count: 13, dtype: .float64).square()
    let range = process.timeRange
    return fractions * (range.upperBound - range.lowerBound) + range.lowerBound
  }

  /// The time at which a part of the range has passed.
  private func time(_ fraction: Double) -> Double {
    let range = process.timeRange
    return range.lowerBound + fraction * (range.upperBound - range.lowerBound)
  }

  /// Without it, the range of noise levels makes no sense.
  func noiseGrows() -> Bool {
    let law = law("the noise level grows with time")
    let t = times()
    let (scales, levels): ([Double], [Double]) = (process.scale(t).elements(), process.sigma(t).elements())
    return law.requires(levels.count == 13 && scales.count == 13, "scale or σ of 13 times has another shape")
      && law.requires(scales.allSatisfy { $0 > 0 && $0.isFinite }, "the scale is not positive: \(scales)")
      && law.requires(levels[0] >= 0 && levels.allSatisfy(\.isFinite), "σ is not finite, or negative: \(levels)")
      && law.requires(zip(levels, levels.dropFirst()).allSatisfy(<), "σ does not grow: \(levels)")
      && law.requires(
        process.samplingRange.clamped(to: process.timeRange) == process.samplingRange,
        "the sampling range \(process.samplingRange) is not within \(process.timeRange)")
  }

  func timeIsTheInverseOfTheNoiseLevel() {
    let law = law("time(sigma:) is the inverse of sigma")
    let t = times()
    let sigma = process.sigma(t)
    law.expectClose(process.time(sigma: sigma), t, rtol: 1e-9, atol: 1e-12, "times")
    law.expectClose(process.sigma(process.time(sigma: sigma)), sigma, rtol: 1e-9, atol: 0, "noise levels")
    for (time, level) in zip(t.elements(as: Double.self), sigma.elements(as: Double.self)) {
      law.expectClose(process.time(sigma: level), time, rtol: 1e-9, atol: 1e-12, "the time of one level")
    }
  }

  func driftAndDiffusionAreDerivatives() {
    let times = times(inset: 0.05)
    let t = hasKinks ? times.floor() + 0.5 : times
    // Central differences with extrapolation; the step is small against the distance to t = 0 or a kink.
    let step = hasKinks ? Tensor.full(like: t, 0.02) : t * 1e-3
    func derivative(_ function: (Tensor) -> Tensor) -> Tensor {
      func difference(_ h: Tensor) -> Tensor { (function(t + h) - function(t - h)) / (h * 2) }
      return (4 * difference(step) - difference(step * 2)) / 3
    }
    let (drift, diffusion) = (process.drift(t), process.diffusion(t))
    law("the drift is the derivative of log s").expectClose(
      drift, derivative { process.scale($0).log() }, rtol: 1e-7, atol: 1e-9)
    let law = law("the squared diffusion is s²·dσ²/dt")
    let rate = process.scale(t).square() * derivative { process.sigma($0).square() }
    law.expectClose(diffusion.square(), rate, rtol: 1e-7, atol: 1e-9)
    // The other formula for g² (Karras et al., equation 10): 2s²σσ̇.
    let other = 2 * process.scale(t).square() * process.sigma(t) * derivative { process.sigma($0) }
    law.expectClose(diffusion.square(), other, rtol: 1e-7, atol: 1e-9)
  }

  func singlePrecisionAgreesWithDouble() {
    let law = law("single precision agrees with double precision")
    // Both see the same times: those that single precision can tell apart.
    let single = times().to(.float32)
    let double = single.to(.float64)
    for (name, function) in [
      ("scale", process.scale as (Tensor) -> Tensor), ("sigma", process.sigma), ("drift", process.drift),
      ("diffusion", process.diffusion),
    ] {
      let types = (function(single).dtype, function(double).dtype)
      law.expect(
        types == (.float32, .float64), "\(name) gives \(types.0) for float32 and \(types.1) for float64")
      law.expectClose(function(single), function(double), rtol: 2e-5, atol: 1e-7, name)
    }
    let sigma = process.sigma(double).to(.float32)
    let time = process.time(sigma: sigma)
    law.expect(time.dtype == .float32, "time(sigma:) gives \(time.dtype) for float32")
    law.expectClose(time, process.time(sigma: sigma.to(.float64)), rtol: 2e-5, atol: 1e-6, "time")
  }

  func singleTimesAgreeWithTensors() {
    let law = law("values of single times are those of tensors")
    let t = time(0.37)
    let tensor = Tensor([t])
    law.expectClose(process.scale(t), process.scale(tensor).item(), rtol: 1e-15, atol: 0, "scale")
    law.expectClose(process.sigma(t), process.sigma(tensor).item(), rtol: 1e-15, atol: 0, "sigma")
    law.expectClose(process.drift(t), process.drift(tensor).item(), rtol: 1e-15, atol: 0, "drift")
    law.expectClose(process.diffusion(t), process.diffusion(tensor).item(), rtol: 1e-15, atol: 0, "diffusion")
    // A time has its own values, whatever the others are.
    let all = times()
    for index in [0, 6, 12] {
      law.expectClose(process.sigma(all)[index], process.sigma(all[index]), rtol: 1e-12, atol: 0, "sigma in a list")
      law.expectClose(process.drift(all)[index], process.drift(all[index]), rtol: 1e-12, atol: 0, "drift in a list")
    }
  }

  func noisyDataHaveTheMeanAndVarianceOfTheKernel() {
    let law = law("noisy data have the mean and variance of the kernel")
    var generator = RandomGenerator(seed: 9)
    let (count, t) = (4000, time(0.4))
    let data = Tensor([1.5, -0.5]).expanded(to: [count, 2])
    let noise = generator.normal([count, 2], dtype: .float64)
    let x = process.perturb(data, noise: noise, at: .full([count], t, dtype: .float64))
    let deviation = process.scale(t) * process.sigma(t)
    expectKernel(x, mean: process.scale(t) * data[0], deviation: deviation, law)
    law.expectClose(x, process.scale(t) * data + deviation * noise, rtol: 1e-12, atol: 1e-12 * (1 + deviation))
    let single = process.perturb(
      data.to(.float32), noise: noise.to(.float32), at: .full([count], t, dtype: .float64))
    law.expect(single.dtype == .float32, "data in float32 become \(single.dtype)")
    law.expectClose(single, x, rtol: 1e-5, atol: 1e-5 * deviation, "in single precision")
  }

  /// Mean and variance within 4 standard errors, those of normal variables.
  private func expectKernel(_ x: Tensor, mean: Tensor, deviation: Double, _ law: Law) {
    let count = Double(x.size(0))
    law.expectClose(x.mean(0), mean, rtol: 0, atol: 4 * deviation / count.squareRoot(), "mean")
    let variance = deviation * deviation
    law.expectClose(
      (x - mean).square().mean(0), Tensor.full(like: mean, variance), rtol: 0,
      atol: 4 * variance * (2 / count).squareRoot(), "variance")
  }

  /// dx = f·x dt + g dw from σ₁ to σ₂, about 0.1 and 2, reaches the law of the chain x₂ = (s₂/s₁)·x₁ + s₂·√(σ₂² − σ₁²)·ε.
  func forwardEquationReachesTheKernel() {
    let law = law("the forward equation reaches the kernel")
    let range = process.sigmaRange
    var (low, high) = (max(0.1, range.lowerBound), min(2, range.upperBound))
    if low >= high { (low, high) = (range.lowerBound, range.upperBound) }
    guard law.requires(low > 0, "σ is 0 at the start of the time range") else { return }
    var generator = RandomGenerator(seed: 10)
    let count = 2000
    // Midpoints of steps of equal ratios in σ, so that the error of a step is of second order.
    let steps = 100
    let levels = Tensor.linspace(0, 1, count: steps + 1, dtype: .float64)
    let sigmas = (levels * Tensor(high / low, dtype: .float64).log() + Tensor(low, dtype: .float64).log()).exp()
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
      deviation: process.scale(last) * (high * high - low * low).squareRoot(), law)
  }
}
