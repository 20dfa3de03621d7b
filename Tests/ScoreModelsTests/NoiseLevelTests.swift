import ScoreModels
import TestSupport
import Testing
import Torch

/// The relation of score and denoiser, on normal data of mean 0 and variance 0.3: D = x̂·v/(v + σ²).
@Suite struct NoiseLevelTests {
  private let variance = 0.3
  private let x = Tensor([-1.2, 0.3, 2.5, 0], shape: [2, 2])

  @Test(arguments: ProcessesTests.all)
  func scoreAndDenoiserDetermineEachOther(_ process: NamedProcess) throws {
    let process = process.value
    let (low, high) = (process.samplingSigmaRange.lowerBound, process.samplingSigmaRange.upperBound)
    for sigma in [low, (low * high).squareRoot(), high] {
      let level = NoiseLevel(sigma: sigma, of: process)
      let denoised = variance / (variance + sigma * sigma) * x / level.scale
      let score = -x / (level.scale * level.scale * (variance + sigma * sigma))
      // Terms of the order of x/(s²σ²) cancel.
      let size = 1e-10 / (level.scale * level.scale * sigma * sigma)
      expectClose(level.denoised(scaled: x, score: score), denoised, rtol: 1e-9, atol: 1e-12)
      expectClose(level.score(scaled: x, denoised: denoised), score, rtol: 1e-9, atol: size)
      // In units of the data the score is s times as large.
      expectClose(
        level.score(unscaled: x / level.scale, denoised: denoised), level.scale * score, rtol: 1e-9, atol: size)
    }
  }

  @Test(arguments: ProcessesTests.all)
  func theDenoiserOfAModelIsThatOfItsLevel(_ process: NamedProcess) throws {
    let model = GaussianMixtureScore(
      weights: [1], means: .zeros([1, 2], dtype: .float64), covariances: Tensor([variance]), process: process.value)
    let sigmas = [0.5, 2]
    let times = process.value.time(sigma: Tensor(sigmas))
    let denoised = model.denoised(x, at: times, process: process.value)
    let score = model.score(x, at: times)
    for (i, sigma) in sigmas.enumerated() {
      let level = NoiseLevel(sigma: sigma, of: process.value)
      expectClose(level.denoised(scaled: x[i], score: score[i]), denoised[i], rtol: 1e-9, atol: 1e-9)
    }
  }

  @Test(arguments: ProcessesTests.all)
  func rangesAreThoseOfTheTimes(_ process: NamedProcess) {
    let process = process.value
    let range = process.sigmaRange
    #expect(range.lowerBound == process.sigma(process.timeRange.lowerBound))
    #expect(range.upperBound == process.sigma(process.timeRange.upperBound))
    #expect(process.hasNoiseLevels(from: range.lowerBound * 0.9995, to: range.upperBound * 1.0005))
    #expect(!process.hasNoiseLevels(from: range.lowerBound * 0.99, to: range.upperBound))
    #expect(!process.hasNoiseLevels(from: range.lowerBound, to: range.upperBound * 1.01))
    #expect(!process.hasNoiseLevels(from: .nan, to: 1))
    let data = NoiseLevel.data(of: process)
    #expect(data.sigma == 0 && data.scale == 1 && data.time == process.samplingRange.lowerBound)
  }
}
