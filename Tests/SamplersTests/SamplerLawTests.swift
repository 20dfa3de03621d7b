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

/// What every sampler keeps to, with every process.
@Suite struct SamplerLawTests {
  /// A network whose every output is away from 0.
  static func model(for process: any DiffusionProcess, _ sampler: any Sampler = EulerSampler()) -> any ScoreModel {
    if sampler is MetropolisAdjustedLangevinSampler {
      return QuarticEnergy(process: process)
    }
    var generator = RandomGenerator(seed: 5, purpose: .initialization)
    let network = MLP(.init(shape: [2, 3], width: 16, blocks: 1, classCount: 3), using: &generator)
    for parameter in network.parameters() {
      parameter.value = parameter.value + 0.1 * generator.normal(parameter.shape)
    }
    return NetworkScore(network, process: process, parameterization: .edm(sigmaData: 0.5))
  }

  @Test func everySamplerIsTried() throws {
    try expectEveryConformer(of: "Sampler", among: allSamplers)
    try expectEveryConformer(of: "Sampler", among: mistakes.map(\.value.sampler))
    try expectEveryConformer(of: "DiffusionProcess", among: lawProcesses.map(\.value))
  }

  @Test(arguments: samplers, lawProcesses)
  func aSampleIsAFunctionOfItsSeed(_ sampler: Named<any Sampler>, _ process: Named<any DiffusionProcess>) throws {
    let model = Self.model(for: process.value, sampler.value)
    let seeds: [UInt64] = [7, 1, 42, 7, 3, 1 << 60]
    let labels = Tensor([0, 1, 2, 0, 1, 2])
    func draw(_ indices: [Int], batchSize: Int? = nil) throws -> Tensor {
      try sampler.value.sample(
        from: model, process: process.value, shape: [2, 3], seeds: indices.map { seeds[$0] }, batchSize: batchSize,
        condition: labels.gathering(indices))
    }
    let all = try draw([0, 1, 2, 3, 4, 5])
    #expect(all.shape == [6, 2, 3] && all.dtype == .float64 && all.allFinite && !all.requiresGradient)
    expectIdentical(try draw([0, 1, 2, 3, 4, 5]), all, "a second time")
    expectIdentical(all[3], all[0], "with the same seed")
    #expect(difference(all[1], all[0]) > 1e-6, "two seeds gave the same sample")
    for indices in [[4], [5, 2], [3, 1, 4, 0, 5]] {
      expectIdentical(try draw(indices), all.gathering(indices), "samples \(indices) alone")
    }
    for batchSize in [1, 4] {
      expectIdentical(try draw([0, 1, 2, 3, 4, 5], batchSize: batchSize), all, "in batches of \(batchSize)")
    }
  }

  @Test(arguments: allSamplers.indices)
  func everySettingCanBeReadAndChanged(_ index: Int) throws {
    func check<Value: Equatable>(_ setting: SamplerSetting, _ sampler: any Sampler, _ value: Value) {
      var changed = sampler
      #expect(changed.set(setting, to: value) == sampler.has(setting), "\(setting)")
      #expect(changed.value(of: setting, as: Value.self) == (sampler.has(setting) ? value : nil), "\(setting)")
    }
    for setting in SamplerSetting.allCases {
      switch setting {
      case .steps, .stepsPerLevel: check(setting, allSamplers[index], 7)
      case .schedule: check(setting, allSamplers[index], NoiseSchedule.linear)
      case .sigmaMin, .sigmaMax, .eta, .tolerance, .stepSize, .noiseLevel, .churn:
        check(setting, allSamplers[index], 0.7)
      }
    }
    try allSamplers[index].validate()
  }

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

  private func difference(_ x: Tensor, _ y: Tensor) -> Double { (x - y).norm() }

  @Test(arguments: samplers + singleSteps, lawProcesses)
  func everyStepIsObservedInOrder(_ sampler: Named<any Sampler>, _ process: Named<any DiffusionProcess>) throws {
    var states: [SamplerState] = []
    let model = Self.model(for: process.value, sampler.value)
    let result = try sampler.value.sample(
      from: model, process: process.value, shape: [2, 3], seeds: [1, 2], observe: { states.append($0) })
    #expect(states.map(\.step) == Array(1...sampler.value.stepCount) && states.allSatisfy { $0.samples == 0..<2 })
    #expect(states.allSatisfy { $0.stepCount == sampler.value.stepCount && $0.x.shape == [2, 2, 3] })
    #expect(states.allSatisfy { $0.denoised.map { $0.shape == [2, 2, 3] && $0.allFinite } ?? true })
    let sigmas = states.map(\.sigma)
    #expect(zip(sigmas, sigmas.dropFirst()).allSatisfy(>=), "the noise grows: \(sigmas)")
    let last = try #require(states.last)
    if sampler.value is MetropolisAdjustedLangevinSampler {
      // Its samples keep the noise of the last level.
      expectClose(last.x / process.value.scale(last.time), result, rtol: 1e-12, atol: 1e-12)
      #expect(states.allSatisfy { $0.acceptance?.shape == [2] })
    } else {
      expectIdentical(last.x, result)
      #expect(last.sigma == 0 && states.allSatisfy { $0.acceptance == nil })
    }
    let unobserved = try sampler.value.sample(from: model, process: process.value, shape: [2, 3], seeds: [1, 2])
    expectIdentical(unobserved, result, "without an observer")
  }

  @Test(arguments: samplers + singleSteps)
  func evaluationsAreAsManyAsPromised(_ sampler: Named<any Sampler>) throws {
    let counter = Counter()
    _ = try sampler.value.sample(
      from: CountingScore(counter: counter), process: EDMProcess(), shape: [2], seeds: [1, 2, 3])
    if sampler.value is ProbabilityFlowSampler {
      // It promises the fewest that are possible.
      #expect(counter.calls >= sampler.value.evaluationCount && (counter.calls - 1) % 6 == sampler.value.stepCount % 6)
    } else {
      #expect(counter.calls == sampler.value.evaluationCount)
    }
  }

  @Test(arguments: samplers)
  func whatTheObserverThrowsEndsTheSampling(_ sampler: Named<any Sampler>) {
    struct Stop: Error {}
    var seen = 0
    #expect(throws: Stop.self) {
      _ = try sampler.value.sample(
        from: CountingScore(counter: Counter()), process: EDMProcess(), shape: [2], seeds: [1],
        observe: { state in
          seen += 1
          if state.step == 2 { throw Stop() }
        })
    }
    #expect(seen == 2)
    #expect(gradientsAreRecorded)
  }

  @Test(arguments: samplers)
  func aStateThatIsNotFiniteIsReportedWithItsStep(_ sampler: Named<any Sampler>) throws {
    var last = 0
    let error = #expect(throws: SamplerError.self) {
      _ = try sampler.value.sample(
        from: CountingScore(counter: Counter(), failsAt: sampler.value.evaluationCount), process: EDMProcess(),
        shape: [2], seeds: [1], observe: { last = $0.step })
    }
    // The last evaluation belongs to the last step.
    let count = sampler.value.stepCount
    if sampler.value is ProbabilityFlowSampler {
      #expect(error?.description.contains("left the finite numbers at noise level") == true)
      return
    }
    #expect(error?.description.contains("step \(count) of \(count)") == true, "\(String(describing: error))")
    #expect(last == count - 1)
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
    let model = Self.model(for: EDMProcess())
    try expectNoLeaks {
      _ = try HeunSampler(steps: 3, churn: 1).sample(from: model, process: EDMProcess(), shape: [2, 3], seeds: [1])
    }
  }
}

/// An energy without a network, E = Σ (y²/(2 + 2σ²) + y⁴/(8 + 8σ⁴) − c·y/10) for y = x/s and a label c.
struct QuarticEnergy: EnergyModel {
  let process: any DiffusionProcess

  private func terms(_ x: Tensor, _ t: Tensor, _ condition: Tensor?) -> (y: Tensor, a: Tensor, b: Tensor, c: Tensor) {
    let square = process.sigma(t).square().broadcastable(toRank: x.rank)
    let label = condition.map { $0.to(.float64).broadcastable(toRank: x.rank) / 10 } ?? .zeros(like: square)
    return (
      x / process.scale(t).broadcastable(toRank: x.rank), (square + 1).reciprocal(),
      (square.square() + 1).reciprocal(), label
    )
  }

  func energy(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    let (y, a, b, c) = terms(x, t, condition)
    return (0.5 * a * y.square() + 0.125 * b * y.square().square() - c * y).sumPerExample()
  }

  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    let (y, a, b, c) = terms(x, t, condition)
    return (c - a * y - 0.5 * b * y * y.square()) / process.scale(t).broadcastable(toRank: x.rank)
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
