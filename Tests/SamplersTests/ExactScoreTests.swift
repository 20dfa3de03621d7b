import Samplers
import ScoreModels
import TestSupport
import Testing
import Torch

/// A process with s = 1 and one with another scale, whose noise levels cover 0.02 … 20.
private let exactProcesses: [Named<any DiffusionProcess>] = [
  Named("EDM", EDMProcess(sigmaMin: 0.02, sigmaMax: 20)), Named("sub-VP", SubVariancePreserving()),
]

/// The others.
private let otherProcesses: [Named<any DiffusionProcess>] = [
  Named("VE", VarianceExploding(sigmaMin: 0.02, sigmaMax: 20)), Named("VP", VariancePreserving()),
]

/// Samplers with as many steps as make their own error small against the standard error of 1000 samples, which is about
/// 4 % for a variance.
private let exactSamplers: [Named<any Sampler>] = [
  Named("Heun", HeunSampler(steps: 30)),
  Named("Heun with churn", HeunSampler(steps: 50, churn: 15)),
  Named("Euler", EulerSampler(steps: 150)),
  Named("Euler–Maruyama", EulerMaruyamaSampler(steps: 350)),
  Named("reverse diffusion", PredictorCorrectorSampler(steps: 350, corrections: 0)),
  Named("ancestral", PredictorCorrectorSampler(steps: 250, predictor: .ancestral, corrections: 0)),
  Named("predictor–corrector", PredictorCorrectorSampler(steps: 200, signalToNoise: 0.1)),
  Named(
    "annealed Langevin",
    AnnealedLangevinSampler(noiseLevels: 100, stepsPerLevel: 8, stepSize: 0.1).with(sigmaMin: 0.05, sigmaMax: 3)),
  Named("DDIM", DDIMSampler(steps: 150)),
  Named("DDIM with noise", DDIMSampler(steps: 200, eta: 0.7)),
  Named("DPM-Solver++", DPMSolverPlusPlus2M(steps: 30)),
]

/// Samplers with the exact score of a known distribution.
@Suite struct ExactScoreTests {
  @Test(arguments: exactSamplers, exactProcesses)
  func samplesHaveTheMeanAndCovarianceOfTheData(
    _ sampler: Named<any Sampler>, _ process: Named<any DiffusionProcess>
  ) throws {
    let model = mixture(under: process.value)
    let x = try sampler.value.sample(
      from: model, process: process.value, shape: [2], seeds: Array(1000..<2000))
    expectMoments(x, mean: model.mean, covariance: model.covariance)
  }

  /// The reverse SDE uses drift and diffusion of the process, so it is tried with the other processes too.
  @Test(arguments: otherProcesses)
  func theReverseEquationOfEveryProcessLeadsToTheData(_ process: Named<any DiffusionProcess>) throws {
    let model = mixture(under: process.value)
    let x = try EulerMaruyamaSampler(steps: 400, schedule: .uniformTime).sample(
      from: model, process: process.value, shape: [2], seeds: Array(1000..<2000))
    expectMoments(x, mean: model.mean, covariance: model.covariance)
  }

  @Test func aConditionIsPassedOn() throws {
    let process = EDMProcess(sigmaMin: 0.02, sigmaMax: 20)
    let model = mixture(under: process)
    let x = try HeunSampler(steps: 40).sample(
      from: model, process: process, shape: [2], seeds: Array(0..<1000), condition: .full([1000], 2, dtype: .int64))
    expectMoments(
      x, mean: Tensor([-0.6, -1.2]), covariance: Tensor([0.05, 0, 0, 0.05], shape: [2, 2]))
  }

  /// The Langevin steps of Song et al., with the norms of each sample, in many dimensions.
  @Test(arguments: exactProcesses)
  func normRatioStepsKeepTheVarianceInManyDimensions(_ process: Named<any DiffusionProcess>) throws {
    let d = 200
    let model = GaussianMixtureScore(
      weights: [1], means: .full([1, d], 0.3, dtype: .float64), covariances: Tensor([0.5]), process: process.value)
    let sampler = PredictorCorrectorSampler(
      steps: 150, predictor: .ancestral, corrector: .normRatio, signalToNoise: 0.1)
    let x = try sampler.sample(from: model, process: process.value, shape: [d], seeds: Array(0..<20))
    let variance = (x - 0.3).square().mean().item()
    // The standard error of the variance is 2.2 %.
    #expect((variance / 0.5 - 1).magnitude < 0.08, "the variance is \(variance) instead of 0.5")
  }

  @Test func ancestralSamplingIsDDIMWithFreshNoise() throws {
    for process in exactProcesses.map(\.value) {
      let model = mixture(under: process)
      let ancestral = PredictorCorrectorSampler(predictor: .ancestral, corrections: 0)
        .with(steps: 12, schedule: .karras())
      let ddim = DDIMSampler(steps: 12, eta: 1)
      let x = try ancestral.sample(from: model, process: process, shape: [2], seeds: [1, 2, 3])
      expectClose(
        x, try ddim.sample(from: model, process: process, shape: [2], seeds: [1, 2, 3]), rtol: 1e-8, atol: 1e-8)
    }
  }

  @Test func implicitStepsWithoutNoiseAreThoseOfEuler() throws {
    for process in exactProcesses.map(\.value) {
      let model = mixture(under: process)
      let x = try EulerSampler(steps: 12).sample(from: model, process: process, shape: [2], seeds: [1, 2, 3])
      let y = try DDIMSampler(steps: 12).sample(from: model, process: process, shape: [2], seeds: [1, 2, 3])
      expectClose(x, y, rtol: 1e-10, atol: 1e-10)
    }
  }
}

/// Langevin steps at one level of noise.
@Suite struct LangevinStationarityTests {
  /// For a normal distribution of variance V a chain with steps α has the stationary variance V/(1 − α/(2V)) exactly.
  @Test(arguments: exactProcesses, [0.05, 0.5])
  func theChainHasTheStationaryVarianceOfItsStepSize(_ process: Named<any DiffusionProcess>, _ stepSize: Double) throws
  {
    let sigma = 0.6
    let model = Normal.score(under: process.value)
    let sampler = AnnealedLangevinSampler(
      noiseLevels: 1, stepsPerLevel: Int(30 / stepSize), stepSize: stepSize
    ).with(sigmaMax: sigma)
    var chain: Tensor?
    _ = try sampler.sample(from: model, process: process.value, shape: [2], seeds: Array(0..<1000)) { state in
      if state.sigma > 0 { chain = state.x / process.value.scale(state.time) }
    }
    let variances = Normal.variances + sigma * sigma
    let stationary = variances / (1 - 0.5 * stepSize * sigma * sigma / variances)
    expectMoments(
      try #require(chain), mean: Normal.mean,
      covariance: stationary.expandingDimension(at: 1) * .identity(2, dtype: .float64))
  }

  /// Corrections alone, many at one level, keep the law of that level, whatever they start from.
  @Test(arguments: exactProcesses)
  func correctionsKeepTheLawOfTheirLevel(_ process: Named<any DiffusionProcess>) throws {
    let sigma = 0.6
    let model = mixture(under: process.value)
    let sampler = PredictorCorrectorSampler(steps: 1, corrections: 600, signalToNoise: 0.15).with(sigmaMax: sigma)
    // The one prediction denoises; its input is recovered from the score it was made with.
    let recorder = StateRecorder(base: model, process: process.value)
    _ = try sampler.sample(from: recorder, process: process.value, shape: [2], seeds: Array(0..<1000))
    let x = try #require(recorder.box.last) / process.value.scale(process.value.time(sigma: sigma))
    expectMoments(
      x, mean: model.mean, covariance: model.covariance + sigma * sigma * Tensor.identity(2, dtype: .float64))
  }

  /// Keeps the last x that the score was asked for.
  struct StateRecorder: ScoreModel {
    final class Box: @unchecked Sendable { var last: Tensor? }
    let base: GaussianMixtureScore
    let process: any DiffusionProcess
    let box = Box()

    func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
      box.last = x
      return base.score(x, at: t, condition: condition)
    }
  }
}
