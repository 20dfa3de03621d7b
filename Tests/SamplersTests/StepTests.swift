import Samplers
import ScoreModels
import TestSupport
import Testing
import Torch

/// Single steps of the stochastic samplers, from the formulas of the papers.
///
/// Two steps are made, of which the first is compared. Data are normal with mean 0.4 and variance 0.3.
@Suite struct StepTests {
  static let seeds: [UInt64] = [3, 4, 5]

  /// The state after the first of two steps from σ = 2 to 1.9, the score there, and the noises that were drawn.
  private func firstStep(
    of sampler: any Sampler, _ process: any DiffusionProcess, noises: Int
  ) throws -> (before: Tensor, score: Tensor, noises: [Tensor], after: Tensor) {
    let model = GaussianMixtureScore(
      weights: [1], means: .full([1, 2], 0.4, dtype: .float64), covariances: Tensor([0.3]), process: process)
    var states: [Tensor] = []
    _ = try sampler.sample(
      from: model, process: process, shape: [2], seeds: Self.seeds, observe: { states.append($0.x) })
    var generators = SampleGenerators(seeds: Self.seeds)
    let scale = process.scale(process.time(sigma: 2))
    let before = 2 * scale * generators.normal([2], dtype: .float64)
    let score = (0.4 * scale - before) / (scale * scale * (0.3 + 4))
    return (before, score, (0..<noises).map { _ in generators.normal([2], dtype: .float64) }, states[0])
  }

  /// dx = (−½β·x − β·score) dt + √β dw for VP, with β(t) = 0.1 + 19.9t.
  @Test func eulerMaruyamaStepsFollowTheReverseEquation() throws {
    let process = VariancePreserving()
    let sampler = EulerMaruyamaSampler(steps: 2, sigmaMin: 1.9, sigmaMax: 2)
    let (x, score, z, after) = try firstStep(of: sampler, process, noises: 1)
    let t = process.time(sigma: 2)
    let (beta, dt) = (0.1 + 19.9 * t, process.time(sigma: 1.9) - t)
    let expected = x + dt * (-0.5 * beta * x - beta * score) + (-dt * beta).squareRoot() * z[0]
    expectClose(after, expected, rtol: 1e-10, atol: 1e-10)
  }

  /// x ← (2 − √(1 − β))·x + β·score + √β·z for VP, x + (σ² − σ′²)·score + √(σ² − σ′²)·z for VE.
  @Test func reverseDiffusionStepsAreThoseOfThePaper() throws {
    let sampler = PredictorCorrectorSampler(steps: 2, corrections: 0).with(sigmaMin: 1.9, sigmaMax: 2)
    let vp = try firstStep(of: sampler, VariancePreserving(), noises: 1)
    // The signal's part is s² = 1/(1 + σ²), and 1 − β is the ratio of two of them.
    let beta = 1 - (1 + 1.9 * 1.9) / (1 + 4)
    let expected = (2 - (1 - beta).squareRoot()) * vp.before + beta * vp.score + beta.squareRoot() * vp.noises[0]
    expectClose(vp.after, expected, rtol: 1e-10, atol: 1e-10)
    let ve = try firstStep(of: sampler, VarianceExploding(), noises: 1)
    let difference = 4 - 1.9 * 1.9
    expectClose(
      ve.after, ve.before + difference * ve.score + difference.squareRoot() * ve.noises[0], rtol: 1e-10, atol: 1e-10)
  }

  /// x ← (x + β·score)/√(1 − β) + √β̃·z for VP, with DDPM's β̃ = (1 − ᾱ′)/(1 − ᾱ)·β.
  @Test func ancestralStepsAreThoseOfDDPM() throws {
    let sampler = PredictorCorrectorSampler(steps: 2, predictor: .ancestral, corrections: 0)
      .with(sigmaMin: 1.9, sigmaMax: 2)
    let (x, score, z, after) = try firstStep(of: sampler, VariancePreserving(), noises: 1)
    let (alpha, alphaNext) = (1 / (1 + 4.0), 1 / (1 + 1.9 * 1.9))
    let beta = 1 - alpha / alphaNext
    let variance = (1 - alphaNext) / (1 - alpha) * beta
    let expected = (x + beta * score) / (1 - beta).squareRoot() + variance.squareRoot() * z[0]
    expectClose(after, expected, rtol: 1e-10, atol: 1e-10)
  }

  /// ε = 2α·(r·‖z‖/‖score‖)² with α = 1 − β for VP, then a step of reverse diffusion; each sample by itself.
  @Test func normRatioCorrectionsAreThoseOfThePaper() throws {
    let process = VariancePreserving()
    let sampler = PredictorCorrectorSampler(steps: 2, corrector: .normRatio, signalToNoise: 0.2)
      .with(sigmaMin: 1.9, sigmaMax: 2)
    let (x, score, z, after) = try firstStep(of: sampler, process, noises: 2)
    let alpha = (1 + 1.9 * 1.9) / (1 + 4)
    func norm(_ x: Tensor) -> Tensor { x.square().sum(1, keepingDimensions: true).sqrt() }
    let epsilon = 2 * alpha * (0.2 * norm(z[0]) / norm(score)).square()
    let corrected = x + epsilon * score + (2 * epsilon).sqrt() * z[0]
    let scale = process.scale(process.time(sigma: 2))
    let scoreThere = (0.4 * scale - corrected) / (scale * scale * (0.3 + 4))
    let beta = 1 - alpha
    let expected = (2 - alpha.squareRoot()) * corrected + beta * scoreThere + beta.squareRoot() * z[1]
    expectClose(after, expected, rtol: 1e-10, atol: 1e-10)
  }
}
