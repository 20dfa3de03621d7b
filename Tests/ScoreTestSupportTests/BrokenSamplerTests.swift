import ScoreKit
import ScoreTestSupport
import Testing

/// The midpoint method, right or with one mistake.
private struct Midpoint: DiscretizedSampler {
  enum Mistake { case none, factor, slope, level, batch, count, shape, order, last }

  static let defaultDiscretization = Discretization(steps: 18, schedule: .karras())
  var discretization = Self.defaultDiscretization
  var mistake = Mistake.none

  init() {}

  init(_ mistake: Mistake, steps: Int = 4) {
    self.mistake = mistake
    self.steps = steps
  }

  var evaluationCount: Int { mistake == .count ? 2 * steps : 2 * steps - 1 }

  func sample(_ run: inout SamplingRun) throws -> Tensor {
    let levels = try run.levels(discretization)
    var x = levels[0].sigma * run.noise()
    if mistake == .batch { x = x + 1e-3 * x.mean() }
    if mistake == .order { try run.finishStep(unscaled: x, at: levels[0], denoised: nil) }
    for (current, next) in zip(levels, levels.dropFirst()) {
      let denoised = run.denoised(unscaled: x, at: current)

      if next.sigma == 0 {
        x = mistake == .last ? denoised + 1 : denoised
      } else {
        let middle = NoiseLevel(
          sigma: mistake == .level
            ? 0.25 * current.sigma + 0.75 * next.sigma : (current.sigma + next.sigma) / 2, of: run.process)
        let distance = middle.sigma - current.sigma
        let half = x + (mistake == .factor ? 0.5 : 1) * distance * (x - denoised) / current.sigma
        let slope = (half - run.denoised(unscaled: half, at: middle)) / (mistake == .slope ? current : middle).sigma
        x = x + (next.sigma - current.sigma) * slope
      }
      try run.finishStep(unscaled: x, at: next, denoised: denoised)
    }
    return mistake == .shape ? x.flattened(from: 1) : x
  }
}

/// Draws noise from the place in the batch instead of the seed.
private struct Careless: Sampler {
  enum Mistake { case none, seed, steps, swallows }

  var mistake = Mistake.none
  var stepCount: Int { 2 }

  func sample(_ run: inout SamplingRun) throws -> Tensor {
    let levels = try run.levels(Discretization(steps: 2, schedule: .geometric))
    var generator = RandomGenerator(seed: 1)
    var x =
      levels[0].sigma * (mistake == .seed ? generator.normal([run.count] + run.shape, dtype: .float64) : run.noise())
    for (current, next) in zip(levels, levels.dropFirst()) {
      x = run.denoised(unscaled: x, at: current)
      if mistake == .steps, next.sigma == 0 { break }
      do {
        try run.finishStep(unscaled: x, at: next, denoised: x)
      } catch {
        if mistake != .swallows { throw error }
      }
    }
    return x
  }
}

@Suite struct BrokenSamplerTests {
  @Test func rightSamplersKeepTheLaws() throws {
    for process in [EDMProcess(), VariancePreserving()] as [any DiffusionProcess] {
      try expectSamplerLaws(of: Midpoint(.none), process: process, order: 2)
      try expectSamplerLaws(of: Careless(), process: process)
    }
  }

  @Test func wrongFactorsChangeTheOrder() {
    for mistake in [Midpoint.Mistake.factor, .slope, .level] {
      expectViolation(of: "errors fall with order 2") { try expectConvergence(of: Midpoint(mistake), order: 2) }
      expectViolation(of: "errors fall with order 2") { try expectSamplerLaws(of: Midpoint(mistake), order: 2) }
    }
    expectViolation(of: "which is order") { try expectConvergence(of: EulerSampler(), order: 2) }
    expectViolation(of: "which is order") { try expectConvergence(of: HeunSampler(), order: 1) }
    expectViolation(of: "the samples are off") { try expectConvergence(of: Midpoint(.last), order: 2) }
    expectViolation(of: "no setting `steps`") { try expectConvergence(of: Careless(), order: 1) }
  }

  @Test func samplesThatDependOnMoreThanTheirSeedAreFound() {
    expectViolation(of: "a sample is a function of its seed") { try expectSamplerLaws(of: Midpoint(.batch)) }
    expectViolation(of: "a sample is a function of its seed") { try expectSamplerLaws(of: Careless(mistake: .seed)) }
    expectViolation(of: "the shape is [6, 6]") { try expectSamplerLaws(of: Midpoint(.shape)) }
  }

  @Test func wrongCountsAreFound() {
    expectViolation(of: "evaluations are as many as promised") { try expectSamplerLaws(of: Midpoint(.count)) }
    expectViolation(of: "every step is observed in order") { try expectSamplerLaws(of: Midpoint(.order)) }
    expectViolation(of: "every step is observed in order") { try expectSamplerLaws(of: Careless(mistake: .steps)) }
    expectViolation(of: "there are 0 steps") { try expectSamplerLaws(of: Endless()) }
  }

  @Test func swallowedErrorsAreFound() {
    expectViolation(of: "an error of the observer ends the sampling") {
      try expectSamplerLaws(of: Careless(mistake: .swallows))
    }
    expectViolation(of: "a state that is not finite is reported") {
      try expectSamplerLaws(of: Careless(mistake: .swallows))
    }
  }

  private struct Endless: Sampler {
    var stepCount: Int { 0 }
    func validate() throws(SamplerError) {}
    func sample(_ run: inout SamplingRun) throws -> Tensor { run.noise() }
  }
}
