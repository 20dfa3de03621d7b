internal import LeastSquares
public import ScoreMetrics
public import ScoreModels
internal import Torch

/// Gauss–Newton least squares that make a trained score model conservative while it stays as good.
///
/// A step draws n noisy points with random sign vectors, and m noisy data, and takes the Δθ that minimises
///
///     ‖c + A·Δθ‖² + μ²·‖κ·r + B·Δθ‖² + δ²·‖Δθ‖²
///
/// with c and its Jacobian A those of `JacobianSymmetry`, r = √(w/(mD))·(D(x, t) − x₀) the errors of the denoiser at the m points, weighted
/// as in the objective, and B = ∂r/∂θ. With κ = 0 the denoiser is held: ‖B·Δθ‖² is what a model at its optimum would lose. A small κ lets
/// it learn as well, which makes good for what symmetry costs; κ = 1 would fit the noise of the m points. LSMR, stopped early, solves it
/// without forming A or B. Then new points are drawn, until the asymmetry is small enough at each noise level.
///
/// The defaults were chosen on 8 × 8 digits. Many points in few steps cost less loss than few points in many; noise levels that are spread
/// more widely than those of training lower the asymmetry at the smallest and largest too. A smaller κ, or a larger μ with more
/// iterations, suits a model that is trained to the end.
public struct ConservativeFit: Sendable {
  /// n, the number of points where the Jacobian is made symmetric in a step.
  public var pointCount: Int
  /// The distribution of σ among these points; among the noisy data it is that of the objective.
  public var noiseLevels: NoiseDistribution
  /// m, the number of noisy data where the denoiser is held.
  public var dataCount: Int
  /// μ, the weight of these.
  public var dataWeight: Double
  /// κ, the fraction of the denoiser's errors that a step tries to take away.
  public var dataRate: Double
  /// δ.
  public var damping: Double
  /// The number of iterations of LSMR in a step.
  public var iterationLimit: Int
  /// The largest number of steps.
  public var stepLimit: Int
  /// The steps between measurements of the asymmetry.
  public var checkInterval: Int
  /// The noise levels at which it is measured.
  public var sigmas: [Double]
  /// The number of points at each of them.
  public var checkCount: Int
  /// The seed of everything random.
  public var seed: UInt64

  /// Makes settings.
  public init(
    pointCount: Int = 512, noiseLevels: NoiseDistribution = .logNormal(mean: -0.3, deviation: 1.6),
    dataCount: Int = 1024, dataWeight: Double = 0.1, dataRate: Double = 0.5, damping: Double = 0,
    iterationLimit: Int = 20, stepLimit: Int = 100, checkInterval: Int = 5,
    sigmas: [Double] = [0.1, 0.2, 0.5, 1, 2, 3], checkCount: Int = 256, seed: UInt64 = 0
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

  /// Checks the numbers.
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

/// What `makeConservative` did.
public struct ConservativeFitReport: Codable, Hashable, Sendable {
  /// The number of steps.
  public let steps: Int
  /// The asymmetry before the first step.
  public let before: [Asymmetry]
  /// The asymmetry after the last, at the same points.
  public let after: [Asymmetry]
  /// Whether NAsym is at most what was wanted at each noise level.
  public let isReached: Bool
}

/// Changes the weights of a trained model until NAsym = ¼‖J − Jᵀ‖²_F/‖J‖²_F is at most a given number at each noise level.
///
/// - Parameters:
///   - model: the model; its parameters are changed.
///   - process: the process whose scores it has learned.
///   - data: x₀.
///   - objective: what it was trained for: the noise levels of the points and the weights of errors.
///   - target: the wanted NAsym.
///   - settings: how.
///   - observe: called with the number of steps and the asymmetry at each measurement; what it throws ends the fit.
/// - Throws: `ConstraintError` for settings that make no sense and for a step that is not finite, `ConservativenessError`, what
///   `observe` throws; the weights are then those of the start.
/// - Complexity: for each step two products of A and B for each iteration, for a network about four and one training steps at n and m
///   examples.
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

  /// At the same points each time.
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

/// Noisy data whose denoising is weighed like in an objective.
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

  /// μ·√(w/(mD))·D.
  func denoised(by model: any ScoreModel) -> Tensor { points.denoised(by: model) * scale }
}
