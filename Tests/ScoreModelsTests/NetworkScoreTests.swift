import ScoreModels
import TestSupport
import Testing
import Torch

@Suite struct NetworkScoreTests {
  /// Keeps what it was called with and returns a fixed tensor.
  struct Probe: ScoreNetwork {
    final class Calls { var input: Tensor?, noise: Tensor?, condition: Tensor? }

    let calls = Calls()
    let output: Tensor?

    func callAsFunction(_ x: Tensor, noise: Tensor, condition: Tensor?) -> Tensor {
      (calls.input, calls.noise, calls.condition) = (x, noise, condition)
      return output ?? x.sin()
    }
  }

  static let processes: [any DiffusionProcess] = [
    EDMProcess(), VarianceExploding(), VariancePreserving(), SubVariancePreserving(),
  ]
  static let parameterizations: [Parameterization] = [
    .edm(sigmaData: 0.5), .noise(timeScale: 999), .velocity(timeScale: 1000), .denoised(timeScale: 1),
  ]

  @Test(arguments: processes.indices, parameterizations)
  func scoreAndDenoiserAgreeByTweedie(process index: Int, parameterization: Parameterization) {
    let process = Self.processes[index]
    let model = NetworkScore(Probe(output: nil), process: process, parameterization: parameterization)
    let (x, t) = (normal([3, 2, 2]), Tensor([0.2, 0.5, 0.9]))
    let (s, sigma) = (process.scale(t).reshaped(3, 1, 1), process.sigma(t).reshaped(3, 1, 1))
    let score = model.score(x, at: t, condition: nil)
    let denoised = model.denoised(x, at: t, process: process, condition: nil)
    expectClose(denoised, x / s + s * sigma.square() * score, rtol: 1e-9, atol: 1e-9)
    #expect(denoised.norm() > 0.01)
  }

  @Test(arguments: [0, 1, 2, 3]) func aPerfectNetworkGivesTheCleanDataBack(process index: Int) {
    let process = Self.processes[index]
    let (data, noise, t) = (normal([2, 3], seed: 1), normal([2, 3], seed: 2), Tensor([0.3, 0.7]))
    let x = process.perturb(data, noise: noise, at: t)
    let (s, sigma) = (process.scale(t).reshaped(2, 1), process.sigma(t).reshaped(2, 1))
    var outputs: [(Parameterization, Tensor)] = [
      (.noise(timeScale: 1), noise), (.denoised(timeScale: 1), data),
    ]
    if process is VariancePreserving { outputs.append((.velocity(timeScale: 1), s * noise - s * sigma * data)) }
    // F = (x₀ − c_skip·x̂)/c_out.
    let variance = sigma.square() + 0.25
    outputs.append((.edm(sigmaData: 0.5), (data - x / s * 0.25 / variance) * variance.sqrt() / (sigma * 0.5)))
    for (parameterization, output) in outputs {
      let model = NetworkScore(Probe(output: output), process: process, parameterization: parameterization)
      expectClose(
        model.denoised(x, at: t, process: process, condition: nil), data, rtol: 1e-8, atol: 1e-8,
        "\(parameterization)")
      expectClose(
        model.score(x, at: t, condition: nil), -noise / (s * sigma), rtol: 1e-6, atol: 1e-6, "\(parameterization)")
    }
  }

  @Test(arguments: [0, 1, 2, 3]) func edmPreconditioningGivesInputsAndTargetsOfUnitVariance(process index: Int) throws {
    let process = Self.processes[index]
    let count = 20_000
    let data = normal([count, 2], seed: 1) * 0.5
    for time in [0.1, 0.5, 0.95] {
      let t = Tensor.full([count], time, dtype: .float64)
      let probe = Probe(output: nil)
      let model = NetworkScore(probe, process: process, parameterization: .edm(sigmaData: 0.5))
      let x = process.perturb(data, noise: normal([count, 2], seed: 2), at: t)
      let denoised = model.denoised(x, at: t, process: process, condition: nil)
      let input = try #require(probe.calls.input)
      expectClose(input.variance(correction: 0).item(), 1, rtol: 0.03, atol: 0)
      // D = a + c_out·F, so the target of F is F + (x₀ − D)/c_out.
      let sigma = process.sigma(time)
      let outputScale = sigma * 0.5 / (sigma * sigma + 0.25).squareRoot()
      expectClose(
        (input.sin() + (data - denoised) / outputScale).variance(correction: 0).item(), 1, rtol: 0.03, atol: 0)
    }
  }

  @Test func networksAreToldTheNoiseLevelAndTheLabel() throws {
    let (x, t, labels) = (normal([2, 3]).to(.float32), Tensor([0.5, 2.0]), Tensor([4, 1]))
    let edm = Probe(output: nil)
    _ = NetworkScore(edm, process: EDMProcess(), parameterization: .edm(sigmaData: 0.5, noiseScale: 8))
      .score(x, at: t, condition: labels)
    expectClose(try #require(edm.calls.noise), (t.log() * 2).to(.float32), rtol: 1e-6, atol: 1e-6)
    expectIdentical(try #require(edm.calls.condition), labels)
    let ddpm = Probe(output: nil)
    _ = NetworkScore(ddpm, process: VariancePreserving(), parameterization: .noise(timeScale: 999))
      .score(x, at: t / 4, condition: nil)
    expectClose(try #require(ddpm.calls.noise), (t * (999 / 4)).to(.float32), rtol: 1e-6, atol: 1e-6)
    expectIdentical(try #require(ddpm.calls.input), x)
    #expect(ddpm.calls.condition == nil)
  }
}
