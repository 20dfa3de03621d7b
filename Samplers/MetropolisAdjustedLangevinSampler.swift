import Foundation
public import Torch

/// Langevin steps that are accepted or rejected, so that they keep the density of their noise level exactly.
///
/// Roberts & Tweedie (1996), *Exponential convergence of Langevin distributions and their discrete approximations*: with
/// the step α the proposal y = x + α·score(x) + √(2α)·z, of density q(y|x), becomes the next state with probability
/// min(1, e^(E(x) − E(y))·q(x|y)/q(y|x)), else x stays. Langevin steps alone are off by a part of order α/σ² for ever; these
/// converge to p_σ at any α. Needs a model with an energy, such as `EnergyNetwork` has.
///
/// Annealed as `AnnealedLangevinSampler`: some steps α = η·σ² at one noise level after another, in units of the data. The
/// samples come from p_σ at σ_min; only `denoises` removes that noise, and then they come from no density that is known.
/// A single level is the plain algorithm at σ_max, from a start at N(0, σ_max²).
///
/// In the burn-in of each level, if it has one, every sample adapts its own η to a rate of acceptance: after the n-th step of
/// burn-in since the start log η grows by n^(−½) times what the acceptance probability exceeds the rate (Robbins & Monro
/// 1951). The other steps of a level leave η as it is, because a step that depends on the past keeps no density. Even so it
/// costs exactness where levels are short, as η tells what component a chain has been in: of a mixture of three normal
/// distributions, 30 levels of 20 steps gave shares off by up to 0.013 with half of the steps burn-in, and by no more than
/// the error of 20 000 samples, 0.003, without. Burn-in serves where no fixed η is known to be accepted at all levels.
///
/// Energies are subtracted in `float64` but have the element type of the model. Rounding is a function of x, so the chain
/// keeps the density of the rounded energy exactly and errors do not add up. With a network in `float32` trained on images
/// of 64 pixels, differences between states and proposals were off by 3·10⁻⁶ at σ ≥ 1, 2·10⁻⁵ at 0.2 and 10⁻³ at 0.002
/// (root mean square; the worst three times that), where they are 1.5 to 6 in size.
///
/// Costs L·(T + 1) evaluations of score and energy for L levels with T steps each.
public struct MetropolisAdjustedLangevinSampler: Sampler, Hashable {
  /// The number of noise levels L.
  public var noiseLevels: Int
  /// The number of steps T at each level.
  public var stepsPerLevel: Int
  /// The step size relative to the noise, η = α/σ²; that of the first step where it is adapted.
  public var stepSize: Double
  /// The number of steps at the start of each level that adapt η; with 0 it is fixed.
  public var burnIn: Int
  /// The rate of acceptance that η is adapted to.
  ///
  /// 0.574 is the best in many dimensions: Roberts & Rosenthal (1998), *Optimal scaling of discrete approximations to
  /// Langevin diffusions*.
  public var targetAcceptance: Double
  /// The spacing of the noise levels.
  public var schedule: NoiseSchedule
  /// The smallest noise level; by default the smallest of the process's sampling range.
  public var sigmaMin: Double?
  /// The noise level to start from; by default the largest of the process's sampling range.
  public var sigmaMax: Double?
  /// Whether the samples are the denoised values of the last states, at the price of exactness; costs no evaluation.
  public var denoises: Bool

  /// Makes a sampler.
  public init(
    noiseLevels: Int = 100, stepsPerLevel: Int = 10, stepSize: Double = 0.3, burnIn: Int = 0,
    targetAcceptance: Double = 0.574, schedule: NoiseSchedule = .geometric, sigmaMin: Double? = nil,
    sigmaMax: Double? = nil, denoises: Bool = false
  ) {
    self.noiseLevels = noiseLevels
    self.stepsPerLevel = stepsPerLevel
    self.stepSize = stepSize
    self.burnIn = burnIn
    self.targetAcceptance = targetAcceptance
    self.schedule = schedule
    self.sigmaMin = sigmaMin
    self.sigmaMax = sigmaMax
    self.denoises = denoises
  }

  /// L·T, and one more to denoise.
  public var stepCount: Int { noiseLevels * stepsPerLevel + (denoises ? 1 : 0) }
  /// L·(T + 1).
  public var evaluationCount: Int { noiseLevels * (stepsPerLevel + 1) }

  /// Checks the numbers.
  public func validate() throws(SamplerError) {
    let name = "Metropolis-adjusted Langevin dynamics"
    try require(noiseLevels > 0, "\(name) needs at least 1 noise level, not \(noiseLevels)")
    try require(stepsPerLevel > 0, "\(name) needs at least 1 step per level, not \(stepsPerLevel)")
    try require(stepSize > 0 && stepSize.isFinite, "the step size of \(name) is positive, unlike \(stepSize)")
    try require(
      (0..<stepsPerLevel).contains(burnIn),
      "the burn-in of a level takes 0 to \(stepsPerLevel - 1) of its \(stepsPerLevel) steps, not \(burnIn)")
    try require(
      targetAcceptance > 0 && targetAcceptance < 1,
      "the rate of acceptance to adapt to lies between 0 and 1, unlike \(targetAcceptance)")
  }

  /// The chain at one level after another.
  ///
  /// - Throws: `SamplerError` if the model has no energy, or if an acceptance probability is not a number.
  public func sample(_ run: inout SamplingRun) throws -> Tensor {
    let t = try run.levels(noiseLevels, schedule, sigmaMin: sigmaMin, sigmaMax: sigmaMax)
    var stepSizes = StepSizes(count: run.count, stepSize)
    var x = t[0].sigma * run.noise()
    var denoised = x
    for level in t.dropLast() {
      var state = try State(x, at: level, run)
      for step in 0..<stepsPerLevel {
        denoised = state.denoised
        let alpha = stepSizes.values.map { $0 * level.sigma * level.sigma }
        let acceptance = try state.step(alpha, at: level, &run)
        if step < burnIn { stepSizes.adapt(acceptance, to: targetAcceptance) }
        try run.finishStep(
          state.x * level.scale, at: level, denoised: denoised, acceptance: Tensor(acceptance).to(run.device))
      }
      (x, denoised) = (state.x, state.denoised)
    }
    guard denoises else { return x }
    try run.finishStep(denoised, at: t[noiseLevels], denoised: denoised)
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
      energy = try run.energy(x, at: level).elements()
      denoised = run.denoised(x, at: level)
      score = (denoised - x) / (level.sigma * level.sigma)
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
