import Samplers
import ScoreModels
import TestSupport
import Testing
import Torch

/// The process of DDPM beside the others: the order of convergence holds between its steps alone.
private let lawProcesses: [Named<any DiffusionProcess>] =
  processes + [Named<any DiffusionProcess>("DDPM", DiscreteVariancePreserving())]

/// Every sampler of the library with few steps, and variants of some.
private let samplers: [Named<any Sampler>] = standard(steps: 4, stepsPerLevel: 3) + variants

private let variants: [Named<any Sampler>] = [
  Named("Heun with churn", HeunSampler(steps: 4, churn: 2)),
  Named("Heun, uniform in time", HeunSampler(steps: 4, schedule: .uniformTime)),
  Named("reverse diffusion", PredictorCorrectorSampler(steps: 4, corrections: 0)),
  Named("ancestral prediction", PredictorCorrectorSampler(steps: 4, predictor: .ancestral, corrections: 2)),
  Named("norm ratio", PredictorCorrectorSampler(steps: 4, corrector: .normRatio)),
  Named("DDIM with noise", DDIMSampler(eta: 0.7).with(steps: 4, schedule: .geometric)),
  Named("DPM-Solver++ 2M along a cosine", DPMSolverPlusPlus2M(steps: 4, schedule: .cosine)),
  Named("DPM-Solver++ 2M with noise", DPMSolverPlusPlus2M(steps: 4, eta: 1)),
  Named("DPM-Solver++ 3M with noise", DPMSolverPlusPlus3M(eta: 0.5).with(steps: 4, schedule: .linear)),
]

/// The same with a single step.
private let singleSteps: [Named<any Sampler>] = standard(steps: 1, stepsPerLevel: 1) + singleStepVariants

private let singleStepVariants: [Named<any Sampler>] = [
  Named("Heun with churn", HeunSampler(steps: 1, churn: 2)),
  Named("Heun, uniform in time", HeunSampler(steps: 1, schedule: .uniformTime)),
  Named("norm ratio", PredictorCorrectorSampler(steps: 1, predictor: .ancestral, corrector: .normRatio)),
  Named("DDIM with noise", DDIMSampler(steps: 1, eta: 1)),
  Named("DPM-Solver++ 2M with noise", DPMSolverPlusPlus2M(steps: 1, eta: 1)),
  Named("DPM-Solver++ 3M with noise", DPMSolverPlusPlus3M(steps: 1, eta: 1)),
]

/// The samplers of the library with another number of steps.
private func standard(steps: Int, stepsPerLevel: Int) -> [Named<any Sampler>] {
  allSamplers.map { Named("\(type(of: $0))", short($0, steps: steps, stepsPerLevel: stepsPerLevel)) }
}

/// A sampler with another number of steps, and a coarse tolerance where it has one.
private func short(_ sampler: any Sampler, steps: Int, stepsPerLevel: Int) -> any Sampler {
  var sampler = sampler
  sampler.set(.steps, to: steps)
  sampler.set(.stepsPerLevel, to: stepsPerLevel)
  sampler.set(.tolerance, to: 0.01)
  return sampler
}

/// Settings that make no sense, and a word of the sentence that says so.
private let mistakes: [Named<(sampler: any Sampler, word: String)>] =
  standard(steps: 0, stepsPerLevel: 2).filter { $0.value.has(.steps) }
  .map { Named("no steps of \($0.name)", ($0.value, "not 0")) } + particularMistakes

private let particularMistakes: [Named<(sampler: any Sampler, word: String)>] = [
  Named("negative steps", (EulerSampler(steps: -3), "not -3")),
  Named("negative churn", (HeunSampler(churn: -1), "churn")),
  Named("churn noise that is no number", (HeunSampler(churnNoise: .nan), "churn noise")),
  Named("no ρ", (HeunSampler(schedule: .karras(rho: 0)), "ρ")),
  Named("levels upside down", (EulerSampler(sigmaMin: 2, sigmaMax: 1), "σ_min < σ_max")),
  Named("no corrections", (PredictorCorrectorSampler(corrections: -1), "not -1")),
  Named("no signal", (PredictorCorrectorSampler(signalToNoise: 0), "signal-to-noise")),
  Named("no steps per level", (AnnealedLangevinSampler(stepsPerLevel: 0), "per level, not 0")),
  Named("an unstable step", (AnnealedLangevinSampler(stepSize: 2), "step size")),
  Named("no Metropolis steps", (MetropolisAdjustedLangevinSampler(stepsPerLevel: 0), "per level, not 0")),
  Named("a step of no size", (MetropolisAdjustedLangevinSampler(stepSize: 0), "step size")),
  Named("burn-in without an end", (MetropolisAdjustedLangevinSampler(stepsPerLevel: 4, burnIn: 4), "burn-in")),
  Named("a certain acceptance", (MetropolisAdjustedLangevinSampler(targetAcceptance: 1), "acceptance")),
  Named("too much fresh noise", (DDIMSampler(eta: 1.5), "η")),
  Named("an unstable Langevin step", (LangevinSampler(stepSize: 2), "step size")),
  Named("no noise", (LangevinSampler(sigma: 0), "noise level")),
  Named("noise that the process has not", (LangevinSampler(sigma: 1e9), "not one of the process")),
  Named("no relative tolerance", (ProbabilityFlowSampler(relativeTolerance: 0), "relative tolerance")),
  Named("an absolute tolerance of all", (ProbabilityFlowSampler(absoluteTolerance: 1), "absolute tolerance")),
  Named("data without deviation", (ProbabilityFlowSampler(sigmaData: 0), "σ_d")),
  Named("no step limit", (ProbabilityFlowSampler(stepLimit: 0), "step limit")),
  Named("negative fresh noise", (DPMSolverPlusPlus2M(eta: -1), "η")),
  Named("endless fresh noise", (DPMSolverPlusPlus3M(eta: .infinity), "η")),
  Named("too few explicit levels", (EulerSampler(steps: 2, schedule: .explicit([1])), "explicit")),
  Named("explicit levels upside down", (EulerSampler(steps: 2, schedule: .explicit([1, 2])), "explicit")),
  Named("explicit levels below 0", (EulerSampler(steps: 1, schedule: .explicit([-1])), "explicit")),
  Named("explicit levels with others", (EulerSampler(steps: 1, schedule: .explicit([1]), sigmaMin: 0.1), "σ_min")),
  Named("no DPM-Solver++ steps", (DPMSolverPlusPlus2M(steps: -1), "not -1")),
  Named("timesteps of a continuous process", (EulerSampler(schedule: .timesteps()), "ddpm")),
  Named("a level of the unknown", (EulerSampler(sigmaMax: 1e9), "beyond")),
]

/// What samplers of the library do differently from most.
private func traits(of sampler: any Sampler) -> SamplerTraits {
  switch sampler {
  case is ProbabilityFlowSampler: .adaptive
  case is MetropolisAdjustedLangevinSampler: [.needsEnergy, .keepsNoise]
  default: []
  }
}

/// What every sampler keeps to, with every process.
@Suite struct SamplerLawTests {
  @Test func everySamplerIsTried() throws {
    try expectEveryConformer(of: "Sampler", among: allSamplers)
    try expectEveryConformer(of: "Sampler", among: mistakes.map(\.value.sampler))
    try expectEveryConformer(of: "DiffusionProcess", among: lawProcesses.map(\.value))
  }

  /// All laws, at the line of a sampler and a process.
  @Test(arguments: samplers + singleSteps, lawProcesses)
  func samplersKeepTheirLaws(_ sampler: Named<any Sampler>, _ process: Named<any DiffusionProcess>) throws {
    try expectSamplerLaws(of: sampler.value, process: process.value, traits: traits(of: sampler.value))
  }

  @Test(arguments: allSamplers.indices) func defaultsAreValid(_ index: Int) throws { try allSamplers[index].validate() }

  @Test func aSettingReachesItsProperty() {
    var sampler = MetropolisAdjustedLangevinSampler()
    sampler.set(.steps, to: 3)
    sampler.set(.stepsPerLevel, to: 8)
    sampler.set(.sigmaMax, to: 2.0)
    #expect(sampler == MetropolisAdjustedLangevinSampler(noiseLevels: 3, stepsPerLevel: 8).with(sigmaMax: 2))
    var ode = ProbabilityFlowSampler()
    ode.set(.tolerance, to: 0.1)
    #expect(ode.relativeTolerance == 0.1 && ode.absoluteTolerance == 0.1)
    #expect(!ode.set(.schedule, to: NoiseSchedule.linear) && ode.value(of: .sigmaMin, as: Double.self) == nil)
  }

  @Test(arguments: [1, 4]) func adaptiveStepsCostSixEvaluations(_ steps: Int) throws {
    let (counter, sampler) = (Counter(), short(ProbabilityFlowSampler(), steps: steps, stepsPerLevel: 1))
    _ = try sampler.sample(
      from: CountingScore(counter: counter), process: EDMProcess(), shape: [2], seeds: [1, 2, 3])
    #expect((counter.calls - 1) % 6 == sampler.stepCount % 6)
    let failing = CountingScore(counter: Counter(), failsAt: sampler.evaluationCount)
    let error = #expect(throws: SamplerError.self) {
      _ = try sampler.sample(from: failing, process: EDMProcess(), shape: [2], seeds: [1])
    }
    #expect(error?.description.contains("left the finite numbers at noise level") == true)
  }

  @Test func proposalsAreAcceptedWithAProbability() throws {
    var states: [SamplerState] = []
    for sampler in [MetropolisAdjustedLangevinSampler(noiseLevels: 2), EulerSampler(steps: 2)] as [any Sampler] {
      _ = try sampler.sample(
        from: QuarticEnergy(process: EDMProcess()), process: EDMProcess(), shape: [2, 3], seeds: [1, 2],
        observe: { states.append($0) })
      let isMetropolis = sampler is MetropolisAdjustedLangevinSampler
      #expect(states.allSatisfy { ($0.acceptance != nil) == isMetropolis } && !states.isEmpty)
      states = []
    }
  }

  @Test(arguments: mistakes)
  func settingsThatMakeNoSenseAreRefused(_ mistake: Named<(sampler: any Sampler, word: String)>) {
    let error = #expect(throws: SamplerError.self) {
      _ = try mistake.value.sampler.sample(
        from: CountingScore(counter: Counter()), process: EDMProcess(), shape: [2], seeds: [1])
    }
    #expect(error?.description.contains(mistake.value.word) == true, "\(String(describing: error))")
  }

  @Test func argumentsThatMakeNoSenseAreRefused() {
    let model = CountingScore(counter: Counter())
    func draw(shape: [Int] = [2], seeds: [UInt64] = [1, 2], condition: Tensor? = nil) throws {
      _ = try EulerSampler(steps: 1).sample(
        from: model, process: EDMProcess(), shape: shape, seeds: seeds, condition: condition)
    }
    #expect(throws: SamplerError.self) { try draw(seeds: []) }
    #expect(throws: SamplerError.self) { try draw(shape: []) }
    #expect(throws: SamplerError.self) { try draw(shape: [3, 0]) }
    #expect(throws: SamplerError.self) { try draw(shape: [-1]) }
    #expect(throws: SamplerError.self) { try draw(condition: Tensor([1, 2, 3])) }
    #expect(throws: SamplerError.self) { try draw(condition: Tensor(1)) }
    for noise in [[2, 2], [1, 3, 2], [1, 2, 3]] {
      #expect(throws: SamplerError.self) {
        _ = try EulerSampler(steps: 1).sample(
          from: model, process: EDMProcess(), shape: [2], seeds: [1, 2], noise: .zeros(noise))
      }
    }
    #expect(throws: Never.self) { try draw(condition: Tensor([1, 2])) }
  }

  @Test func modelsGetTheirOwnElementType() throws {
    let counter = Counter()
    let model = CountingScore(counter: counter)
    _ = try HeunSampler(steps: 2).sample(from: model, process: EDMProcess(), shape: [2], seeds: [1])
    #expect(counter.dtypes == [.float64])
    model.counter.dtypes = []
    let single = CountingScore(counter: counter, parameter: Parameter(.zeros([1])))
    _ = try HeunSampler(steps: 2).sample(from: single, process: EDMProcess(), shape: [2], seeds: [1])
    #expect(counter.dtypes == [.float32])
  }

  @Test func aNormDoesNotDependOnTheBatch() throws {
    var generator = RandomGenerator(seed: 1)
    let x = generator.normal([3, 5, 20_001], dtype: .float64)
    let run = try SamplingRunProbe.run(shape: [5, 20_001])
    let norms = run.squaredNorm(x)
    #expect(norms.shape == [3, 1, 1])
    expectClose(norms.flattened(), x.square().sumPerExample(), rtol: 1e-12, atol: 0)
    for i in 0..<3 { expectIdentical(run.squaredNorm(x[i..<(i + 1)]), norms[i..<(i + 1)]) }
  }

  @Test func samplingLeaksNoTensors() throws {
    let model = mixture(under: EDMProcess())
    try expectNoLeaks {
      _ = try HeunSampler(steps: 3, churn: 1).sample(from: model, process: EDMProcess(), shape: [2], seeds: [1])
    }
  }
}

/// A sampler that hands out what samplers work with.
struct SamplingRunProbe: Sampler {
  final class Box: @unchecked Sendable { var run: SamplingRun? }
  let box = Box()
  var stepCount: Int { 1 }

  func sample(_ run: inout SamplingRun) throws -> Tensor {
    box.run = run
    return run.noise()
  }

  static func run(shape: [Int]) throws -> SamplingRun {
    let probe = SamplingRunProbe()
    _ = try probe.sample(from: CountingScore(counter: Counter()), process: EDMProcess(), shape: shape, seeds: [1])
    return try #require(probe.box.run)
  }
}
