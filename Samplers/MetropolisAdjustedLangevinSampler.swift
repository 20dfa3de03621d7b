import Foundation
internal import ScoreModels
public import Torch

/// Langevin steps that are accepted or rejected, so that they keep the density of their noise level exactly.
///
/// Roberts & Tweedie (1996), *Exponential convergence of Langevin distributions and their discrete approximations*. With the
/// step α = η·σ² and x in units of the data, a step is
///
///     y = x + α·score(x) + √(2α)·z,   of density q(y|x)
///     x ← y with probability min(1, e^(E(x) − E(y))·q(x|y)/q(y|x)), else x stays
///
/// The chain converges to p_σ at any α; without the second line it has a bias of order η that never vanishes. The model needs
/// an energy, such as an `EnergyNetwork` gives.
///
/// It is annealed as `AnnealedLangevinSampler` is: T steps at one noise level after another. The samples come from p_σ at
/// σ_min. `denoises` removes that noise, but the density of the result is then unknown. With a single level it is the plain
/// algorithm at σ_max, started from N(0, σ_max²).
///
/// In the burn-in at the start of each level, every sample adapts its own η to a rate of acceptance (Robbins & Monro 1951):
/// after the n-th step of burn-in since the start, log η grows by n^(−½)·(acceptance probability − rate). The other steps of
/// a level keep η, because a step that depends on the past keeps no density. Burn-in still costs exactness where levels are
/// short, because η carries information about the components that a chain visited. On a mixture of three normal
/// distributions with 30 levels of 20 steps, the shares of the components were off by up to 0.013 when half of the steps were
/// burn-in. Without burn-in they were off by at most 0.003, the error of 20 000 samples. Use burn-in if no fixed η is known
/// to be accepted at all levels.
///
/// Energies are subtracted in `float64` but have the element type of the model. Their rounding is a function of x, so the
/// chain keeps the density of the rounded energy exactly, and errors do not add up. With a network in `float32` trained on
/// images of 64 pixels, differences between states and proposals were 1.5 to 6 in size. Their errors were 3·10⁻⁶ at σ ≥ 1,
/// 2·10⁻⁵ at 0.2 and 10⁻³ at 0.002 (root mean square; the largest was three times that).
///
/// Costs L·(T + 1) evaluations of score and energy for L levels with T steps each.
public struct MetropolisAdjustedLangevinSampler: DiscretizedSampler, Hashable {
  /// 100 levels of equal ratios.
  public static let defaultDiscretization = Discretization(steps: 100, schedule: .geometric)
  /// The settings `stepsPerLevel` and `stepSize`.
  public static var furtherSettings: [SamplerSetting: PartialKeyPath<Self>] {
    [.stepsPerLevel: \.stepsPerLevel, .stepSize: \.stepSize]
  }

  /// The noise levels; their number is L.
  public var discretization = Self.defaultDiscretization
  /// The number of steps T at each level.
  public var stepsPerLevel: Int
  /// The step size relative to the noise, η = α/σ²; the first one where it is adapted.
  public var stepSize: Double
  /// The number of steps at the start of each level that adapt η, or `nil` for half of the steps; with 0 η is fixed.
  public var burnIn: Int?
  /// The rate of acceptance that η is adapted to.
  ///
  /// 0.574 is the best in many dimensions: Roberts & Rosenthal (1998), *Optimal scaling of discrete approximations to
  /// Langevin diffusions*.
  public var targetAcceptance: Double
  /// Whether the samples are the denoised values of the last states; costs exactness, but no evaluation.
  public var denoises: Bool

  /// Makes a sampler with the default settings.
  public init() { self.init(noiseLevels: Self.defaultDiscretization.steps) }

  /// Makes a sampler of `noiseLevels` levels.
  public init(
    noiseLevels: Int = Self.defaultDiscretization.steps, stepsPerLevel: Int = 10, stepSize: Double = 0.3,
    burnIn: Int? = nil, targetAcceptance: Double = 0.574, denoises: Bool = false
  ) {
    self.stepsPerLevel = stepsPerLevel
    self.stepSize = stepSize
    self.burnIn = burnIn
    self.targetAcceptance = targetAcceptance
    self.denoises = denoises
    steps = noiseLevels
  }

  /// L·T, and one more to denoise.
  public var stepCount: Int { steps * stepsPerLevel + (denoises ? 1 : 0) }
  /// L·(T + 1).
  public var evaluationCount: Int { steps * (stepsPerLevel + 1) }

  private var adaptedSteps: Int { burnIn ?? stepsPerLevel / 2 }

  /// Checks the numbers.
  public func validate() throws(SamplerError) {
    let name = "Metropolis-adjusted Langevin dynamics"
    try discretization.validate(for: name, counting: "noise level")
    try require(stepsPerLevel > 0, "\(name) needs at least 1 step per level, not \(stepsPerLevel)")
    try require(stepSize > 0 && stepSize.isFinite, "the step size of \(name) is positive, unlike \(stepSize)")
    try require(
      (0..<stepsPerLevel).contains(adaptedSteps),
      "the burn-in of a level takes 0 to \(stepsPerLevel - 1) of its \(stepsPerLevel) steps, not \(adaptedSteps)")
    try require(
      targetAcceptance > 0 && targetAcceptance < 1,
      "the rate of acceptance to adapt to lies between 0 and 1, unlike \(targetAcceptance)")
  }

  /// The chain at one level after another.
  ///
  /// - Throws: `SamplerError` if the model has no energy, or if an acceptance probability is not a number.
  public func sample(_ run: inout SamplingRun) throws -> Tensor {
    let levels = try run.levels(discretization)
    var stepSizes = StepSizes(count: run.count, stepSize)
    var x = levels[0].sigma * run.noise()
    var denoised = x
    for level in levels.dropLast() {
      var state = try State(x, at: level, run)
      for step in 0..<stepsPerLevel {
        denoised = state.denoised
        let alpha = stepSizes.values.map { $0 * level.sigma * level.sigma }
        let acceptance = try state.step(alpha, at: level, &run)
        if step < adaptedSteps { stepSizes.adapt(acceptance, to: targetAcceptance) }
        try run.finishStep(
          unscaled: state.x, at: level, denoised: denoised, acceptance: Tensor(acceptance).to(run.device))
      }
      (x, denoised) = (state.x, state.denoised)
    }
    guard denoises else { return x }
    try run.finishStep(unscaled: denoised, at: levels[steps], denoised: denoised)
    return denoised
  }

  /// Where the chains of a batch are.
  private struct State {
    var x: Tensor
    var denoised: Tensor
    var score: Tensor
    var energy: [Double]

    init(_ x: Tensor, at level: NoiseLevel, _ run: SamplingRun) throws(SamplerError) {
      self.x = x
      energy = try run.energy(unscaled: x, at: level).elements()
      denoised = run.denoised(unscaled: x, at: level)
      score = level.score(unscaled: x, denoised: denoised)
    }

    /// Moves each chain or leaves it where it is.
    ///
    /// Logarithms and exponentials are those of single numbers: the engine's depend on the place in a tensor.
    ///
    /// - Returns: the probabilities with which the proposals were accepted.
    mutating func step(_ alpha: [Double], at level: NoiseLevel, _ run: inout SamplingRun) throws -> [Double] {
      let step = Tensor(alpha).to(run.device).broadcastable(toRank: x.rank)
      let z = run.noise()
      let uniform: [Double] = run.uniform().elements()
      let proposal = try State(x + step * score + (2 * step).sqrt() * z, at: level, run)
      // −4α·log q(x|y), and −2·log q(y|x), whose constants are the same.
      let back: [Double] = run.squaredNorm(x - proposal.x - step * proposal.score).elements()
      let forth: [Double] = run.squaredNorm(z).elements()
      let probabilities = alpha.indices.map { i in
        let ratio = energy[i] - proposal.energy[i] + forth[i] / 2 - back[i] / (4 * alpha[i])
        return ratio < 0 ? exp(ratio) : ratio.isNaN ? .nan : 1
      }
      let isAccepted = Tensor(zip(uniform, probabilities).map { $0 < $1 ? 1.0 : 0 }).to(run.device) .!= 0
      let mask = isAccepted.broadcastable(toRank: x.rank)
      x = x.replacing(where: mask, with: proposal.x)
      denoised = denoised.replacing(where: mask, with: proposal.denoised)
      score = score.replacing(where: mask, with: proposal.score)
      for (i, (u, p)) in zip(uniform, probabilities).enumerated() where u < p { energy[i] = proposal.energy[i] }
      return probabilities
    }
  }

  /// The relative step size η of each chain.
  private struct StepSizes {
    private(set) var values: [Double]
    private var adaptations = 0

    init(count: Int, _ value: Double) { values = Array(repeating: value, count: count) }

    mutating func adapt(_ acceptance: [Double], to target: Double) {
      adaptations += 1
      let gain = 1 / Double(adaptations).squareRoot()
      values = zip(values, acceptance).map { $0 * exp(gain * ($1 - target)) }
    }
  }
}
