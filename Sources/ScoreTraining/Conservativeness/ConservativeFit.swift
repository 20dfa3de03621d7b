internal import LeastSquares
public import ScoreMetrics
public import ScoreModels
internal import Torch

/// Settings of Gauss–Newton steps that make a trained score model conservative and keep its quality.
///
/// A step draws n noisy points with random sign vectors, and m noisy data. Its update Δθ minimises
///
///     ‖c + A·Δθ‖² + μ²·‖κ·r + B·Δθ‖² + δ²·‖Δθ‖².
///
/// - c is the residual of `JacobianSymmetry` at the n points, and A its Jacobian.
/// - r = √(w/(md))·(D(x, t) − x₀) are the errors of the denoiser at the m data of d numbers, weighted as in the objective, and B = ∂r/∂θ.
/// - With κ = 0 the denoiser is held where it is: ‖B·Δθ‖² is the loss that a model at its optimum would gain. With a small κ the model
///   also learns, which makes up for the loss that symmetry costs. κ = 1 would fit the noise of the m data.
///
/// LSMR, stopped early, solves this problem without forming A or B. Each step draws new points, until the asymmetry is small enough at
/// each noise level.
///
/// The defaults were chosen on 8 × 8 digits. Few steps with many points cost less loss than many steps with few points. Noise levels
/// with a wider distribution than in training also lower the asymmetry at the smallest and the largest noise levels. A fully trained
/// model needs a smaller κ, or a larger μ with more iterations.
public struct ConservativeFit: Sendable {
  /// The noise levels σ at which asymmetry is measured by default.
  public static let defaultSigmas = [0.1, 0.2, 0.5, 1, 2, 3]

  /// n, the number of points in a step at which the Jacobian is made symmetric.
  public var pointCount: Int
  /// The distribution of σ among these points; the noisy data have the distribution of the objective.
  public var noiseLevels: NoiseDistribution
  /// m, the number of noisy data in a step at which the denoiser is held.
  public var dataCount: Int
  /// μ, the weight of the noisy data, at least 0.
  public var dataWeight: Double
  /// κ, the fraction of the denoiser's errors that a step tries to take away, from 0 to 1.
  public var dataRate: Double
  /// δ, the damping of the updates, at least 0.
  public var damping: Double
  /// The number of iterations of LSMR in a step.
  public var iterationLimit: Int
  /// The largest number of steps.
  public var stepLimit: Int
  /// The number of steps between measurements of the asymmetry.
  public var checkInterval: Int
  /// The noise levels σ at which the asymmetry is measured.
  public var sigmas: [Double]
  /// The number of points at each of these noise levels.
  public var checkCount: Int
  /// The seed of all random draws.
  public var seed: UInt64

  /// Makes settings; `makeConservative` checks them.
  public init(
    pointCount: Int = 512, noiseLevels: NoiseDistribution = .logNormal(mean: -0.3, deviation: 1.6),
    dataCount: Int = 1024, dataWeight: Double = 0.1, dataRate: Double = 0.5, damping: Double = 0,
    iterationLimit: Int = 20, stepLimit: Int = 100, checkInterval: Int = 5,
    sigmas: [Double] = defaultSigmas, checkCount: Int = 256, seed: UInt64 = 0
  ) {
    self.pointCount = pointCount
    self.noiseLevels = noiseLevels
    self.dataCount = dataCount
    self.dataWeight = dataWeight
    self.dataRate = dataRate
    self.damping = damping
    self.iterationLimit = iterationLimit
    self.stepLimit = stepLimit
    self.checkInterval = checkInterval
    self.sigmas = sigmas
    self.checkCount = checkCount
    self.seed = seed
  }

  /// Checks that the numbers make sense.
  ///
  /// - Throws: `ConstraintError`.
  func validate() throws(ConstraintError) {
    let counts = [pointCount, dataCount, iterationLimit, stepLimit, checkInterval, checkCount]
    guard counts.allSatisfy({ $0 > 0 }), dataWeight >= 0, dataWeight.isFinite,
      (0...1).contains(dataRate), damping >= 0, damping.isFinite,
      !sigmas.isEmpty
    else {
      throw ConstraintError(
        "a conservative fit needs positive numbers of points, iterations and steps, weights of at least 0, a rate from 0 to 1 "
          + "and a noise level to measure at")
    }
  }
}

/// The result of `makeConservative`.
public struct ConservativeFitReport: Codable, Hashable, Sendable {
  /// The number of steps that were taken.
  public let steps: Int
  /// The asymmetry before the first step, at each noise level.
  public let before: [Asymmetry]
  /// The asymmetry after the last step, at the same noise levels and points.
  public let after: [Asymmetry]
  /// Whether NAsym is at most the target at each noise level.
  public let isReached: Bool
}

/// Changes the weights of a trained model until NAsym = ¼‖J − Jᵀ‖²_F/‖J‖²_F is at most a target at each noise level.
///
/// - Parameters:
///   - model: the model; its parameters are changed.
///   - process: the process whose scores the model has learned.
///   - data: the examples x₀.
///   - objective: the objective of the training; it gives the noise levels of the data and the weights of the errors.
///   - target: the largest NAsym that is wanted.
///   - settings: the settings of the steps.
///   - observe: called at each measurement with the number of steps and the asymmetry; an error of it ends the fit.
/// - Throws: `ConstraintError` for settings that make no sense and for a step that is not finite, `ConservativenessError`, and the
///   errors of the data and of `observe`. The weights are then as they were at the start.
/// - Complexity: two products with A and two with B for each iteration of each step. For a network they cost about as much as four
///   training steps at n examples and one at m examples.
@discardableResult
public func makeConservative(
  _ model: any ScoreModel, process: any DiffusionProcess, data: any TrainingData, objective: DenoisingScoreMatching,
  until target: Double, settings: ConservativeFit = ConservativeFit(),
  observe: (_ step: Int, _ asymmetry: [Asymmetry]) throws -> Void = { _, _ in }
) throws -> ConservativeFitReport {
  try settings.validate()
  let parameters = model.parameters()
  let start = parameters.map(\.value)
  do {
    return try GaussNewton(model: model, process: process, data: data, objective: objective, settings: settings)
      .run(until: target, observe: observe)
  } catch {
    for (parameter, value) in zip(parameters, start) { parameter.value = value }
    throw error
  }
}

private struct GaussNewton {
  let model: any ScoreModel
  let process: any DiffusionProcess
  let data: any TrainingData
  let objective: DenoisingScoreMatching
  let settings: ConservativeFit

  func run(
    until target: Double, observe: (Int, [Asymmetry]) throws -> Void
  ) throws -> ConservativeFitReport {
    let before = try measure()
    try observe(0, before)
    var (step, now) = (0, before)
    func isReached() -> Bool { now.allSatisfy { $0.nasym.value <= target } }
    while step < settings.stepLimit, !isReached() {
      step += 1
      try advance(step)
      if step % settings.checkInterval == 0 || step == settings.stepLimit {
        now = try measure()
        try observe(step, now)
      }
    }
    return ConservativeFitReport(steps: step, before: before, after: now, isReached: isReached())
  }

  /// Measures the asymmetry, at the same points each time.
  private func measure() throws -> [Asymmetry] {
    var generator = RandomGenerator(seed: settings.seed, purpose: .probes)
    let batch = try data.draw(settings.checkCount, for: model, using: &generator)
    return try asymmetry(
      of: model, process: process, at: settings.sigmas, examples: batch.examples, condition: batch.labels,
      method: .probes(1), using: &generator)
  }

  private func advance(_ step: Int) throws {
    var generator = RandomGenerator(seed: settings.seed, purpose: .probes, index: UInt64(step))
    let probe = AsymmetryProbe(
      at: try data.draw(settings.pointCount, for: model, using: &generator), process: process,
      noiseLevels: settings.noiseLevels, using: &generator)
    let held = HeldPoints(
      at: try data.draw(settings.dataCount, for: model, using: &generator), process: process, objective: objective,
      weight: settings.dataWeight, using: &generator)
    let values = model.parameters().map { $0.value.detached() }
    let symmetry = try ConstraintLinearization(at: values) { [model] in
      try model.withParameters($0) { try probe.asymmetry(of: model) }
    }
    let change = try JacobianOperator(at: values) { [model] point, _ in
      model.withParameters(point) { held.denoised(by: model) }
    }
    let target = Tensor.concatenate([
      -symmetry.residual, (held.target - change.value).flattened() * settings.dataRate,
    ])
    let solution = try LSMR(tolerance: 1e-4, iterationLimit: settings.iterationLimit).solve(
      StackedOperator([symmetry.jacobian, change]), target, damping: settings.damping)
    guard solution.x.allFinite else {
      throw ConstraintError(
        "step \(step) of the conservative fit is not finite: check that the model's outputs are, or set a damping")
    }
    withoutGradients {
      for (parameter, part) in zip(model.parameters(), solution.x.unflattened(like: values)) {
        parameter.value = parameter.value.detached() + part
      }
    }
  }
}

/// Noisy data, with errors of denoising weighted as in an objective.
private struct HeldPoints {
  let points: NoisyPoints
  let scale: Tensor
  let target: Tensor

  init(
    at batch: TrainingBatch, process: any DiffusionProcess, objective: DenoisingScoreMatching, weight: Double,
    using generator: inout RandomGenerator
  ) {
    let data = batch.examples
    points = NoisyPoints(batch, process: process, noiseLevels: objective.noiseLevels, using: &generator)
    scale =
      points.factor { (objective.weighting(process.sigma($0)) / Double(data.elementCount)).sqrt() } * weight
    target = data * scale
  }

  /// μ·√(w/(md))·D.
  func denoised(by model: any ScoreModel) -> Tensor { points.denoised(by: model) * scale }
}
