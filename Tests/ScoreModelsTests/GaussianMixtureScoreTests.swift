import ScoreModels
import TestSupport
import Testing
import Torch

@Suite struct GaussianMixtureScoreTests {
  @Test func theScoreIsTheGradientOfTheLogDensity() {
    for process in Mixtures.processes {
      let model = Mixtures.mixture(process)
      var generator = RandomGenerator(seed: 2)
      let x = (generator.normal([6, 3], dtype: .float64) * 2).variable()
      let t = Tensor([0.02, 0.1, 0.3, 0.5, 0.8, 1.0])
      let gradient = model.logDensity(x, at: t).sum().gradient(withRespectTo: x)
      expectClose(model.score(x, at: t), gradient, rtol: 1e-10, atol: 1e-10)
      let labels = Tensor([0, 1, 2, 0, 1, 2])
      let conditional = model.logDensity(x, at: t, condition: labels).sum().gradient(withRespectTo: x)
      expectClose(model.score(x, at: t, condition: labels), conditional, rtol: 1e-10, atol: 1e-10)
      #expect((gradient - conditional).norm() > 1e-3)
    }
  }

  @Test func theLogDensityMatchesFiniteDifferencesOfTheScore() {
    let model = Mixtures.mixture(VariancePreserving())
    let t = Tensor([0.1, 0.4])
    expectGradient(of: { model.score($0[0], at: t) }, at: [Tensor([0.3, -1, 2, 0.1, 0.5, -0.4], shape: [2, 3])])
  }

  /// The density, by the determinant and the inverse of a 2×2 matrix.
  @Test func theLogDensityIsTheSumOfNormalDensities() {
    let process = VariancePreserving()
    let model = GaussianMixtureScore(
      weights: [0.3, 0.7], means: Tensor([1.0, 2.0, -1.0, 0.5], shape: [2, 2]),
      covariances: Tensor([0.5, 0.2, 0.2, 0.4, 1.0, -0.3, -0.3, 0.2], shape: [2, 2, 2]), process: process)
    let (s, sigma) = (process.scale(0.2), process.sigma(0.2))
    let (x, y) = (0.4, 1.1)
    func density(_ weight: Double, _ mean: (Double, Double), _ c: (Double, Double, Double)) -> Double {
      let (a, b, d) = (s * s * (c.0 + sigma * sigma), s * s * c.1, s * s * (c.2 + sigma * sigma))
      let determinant = a * d - b * b
      let (u, v) = (x - s * mean.0, y - s * mean.1)
      let form = (d * u * u - 2 * b * u * v + a * v * v) / determinant
      let exponential = Tensor(-0.5 * form, dtype: .float64).exp().item()
      return weight * exponential / (2 * Double.pi * determinant.squareRoot())
    }
    let first = density(0.3, (1, 2), (0.5, 0.2, 0.4))
    let second = density(0.7, (-1, 0.5), (1, -0.3, 0.2))
    let point = Tensor([x, y], shape: [1, 2])
    let t = Tensor([0.2])
    expectClose(model.logDensity(point, at: t), Tensor([first + second]).log(), rtol: 1e-12)
    expectClose(
      model.logDensity(point, at: t, condition: Tensor([1])), Tensor([second / 0.7]).log(), rtol: 1e-12)
  }

  @Test func aNormalDistributionHasALinearScore() {
    for process in Mixtures.processes {
      let model = GaussianMixtureScore(
        weights: [3], means: Tensor([0.5, -1.0], shape: [1, 2]), covariances: Tensor([0.25]), process: process)
      let x = Tensor([1.0, 2.0, -30.0, 0.0], shape: [2, 2])
      let t = Tensor([0.3, 0.9])
      let (s, sigma) = (process.scale(t).reshaped(2, 1), process.sigma(t).reshaped(2, 1))
      let expected = (s * Tensor([0.5, -1.0]) - x) / (s.square() * (sigma.square() + 0.25))
      expectClose(model.score(x, at: t), expected, rtol: 1e-12, atol: 1e-12)
    }
  }

  @Test func theThreeFormsOfCovariancesAgree() {
    let means = Tensor([0.0, 1, 2, 3], shape: [2, 2])
    let process = EDMProcess()
    let forms = [
      Tensor([0.5, 2.0]), Tensor([0.5, 0.5, 2.0, 2.0], shape: [2, 2]),
      Tensor([0.5, 0, 0, 0.5, 2.0, 0, 0, 2.0], shape: [2, 2, 2]),
    ].map { GaussianMixtureScore(weights: [1, 1], means: means, covariances: $0, process: process) }
    let x = Tensor([0.3, 0.1, -2, 5], shape: [2, 2])
    let scores = forms.map { $0.score(x, at: Tensor([0.4, 2])) }
    expectClose(scores[1], scores[0], rtol: 1e-12, atol: 1e-12)
    expectClose(scores[2], scores[0], rtol: 1e-12, atol: 1e-12)
  }

  /// Far away and at almost no noise the densities underflow; their logarithms do not.
  @Test func theScoreIsFiniteFarFromTheData() {
    let model = GaussianMixtureScore(
      weights: [1, 1], means: Tensor([-1.0, 1.0], shape: [2, 1]), covariances: Tensor([0.0, 0.0]),
      process: EDMProcess())
    let x = Tensor([1e4, -1e4, 0.5], shape: [3, 1])
    let expected = Tensor([(1 - 1e4) / 1e-4, (1e4 - 1) / 1e-4, 0.5 / 1e-4], shape: [3, 1])
    expectClose(model.score(x, at: .full([3], 0.01, dtype: .float64)), expected, rtol: 1e-9)
  }

  @Test func momentsAreThoseOfTheDraws() {
    let model = Mixtures.mixture(EDMProcess())
    var generator = RandomGenerator(seed: 8)
    let count = 40_000
    let x = model.draw(count, using: &generator)
    let centered = x - model.mean
    for i in 0..<3 {
      expectStandardErrors(centered[.all, .at(i)], 0, "mean \(i)")
      for j in 0..<3 {
        expectStandardErrors(
          centered[.all, .at(i)] * centered[.all, .at(j)], model.covariance[.at(i), .at(j)].item(),
          "covariance \(i), \(j)")
      }
    }
  }

  private func expectStandardErrors(_ values: Tensor, _ expected: Double, _ name: String) {
    let error = (values.mean().item() - expected).magnitude
    let standardError = (values.variance(0).item() / Double(values.size(0))).squareRoot()
    #expect(error <= 4 * standardError, "\(name) is off by \(error / standardError) standard errors")
  }

  /// Denoising score matching: E‖s·σ·score + ε‖² is smallest for the true score, where it is d − E‖sσ·score‖².
  @Test func theScoreIsThatOfTheNoisyDraws() {
    let process = SubVariancePreserving()
    let model = Mixtures.mixture(process)
    var generator = RandomGenerator(seed: 4)
    let count = 20_000
    let t = Tensor.full([count], 0.4, dtype: .float64)
    let noise = generator.normal([count, 3], dtype: .float64)
    let x = process.perturb(model.draw(count, using: &generator), noise: noise, at: t)
    let scaled = process.scale(0.4) * process.sigma(0.4) * model.score(x, at: t)
    // E⟨sσ·score, sσ·score + ε⟩ = 0, as −ε is an unbiased, noisy value of sσ·score.
    expectStandardErrors((scaled * (scaled + noise)).sumPerExample(), 0, "projection")
  }

  @Test func imagesAndSinglePrecisionKeepTheirForm() {
    var generator = RandomGenerator(seed: 6)
    let model = GaussianMixtureScore(
      weights: [1, 2], means: generator.normal([2, 12]), covariances: Tensor([0.1, 0.2]), process: EDMProcess())
    let x = generator.normal([5, 3, 2, 2])
    let t = generator.uniform([5]) + 0.1
    let score = model.score(x, at: t)
    #expect(score.shape == x.shape && score.dtype == .float32)
    #expect(model.computationDType == nil && model.parameters().isEmpty)
    expectClose(score, model.score(x.to(.float64), at: t.to(.float64)), rtol: 1e-5, atol: 1e-5)
  }
}
