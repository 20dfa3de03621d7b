public import ScoreModels
public import Torch

/// What a sampler works with: noise, evaluations of the model and reports of its steps, for one batch.
///
/// Tensors that go in and out are `float64`, on the model's device or, where that has no `float64` (MPS), on the
/// processor. The model gets its own element type on its own device.
///
/// A sample stays independent of its batch mates if the sampler uses elementwise arithmetic and `squaredNorm(_:)` alone.
public struct SamplingRun {
  /// The model.
  public let model: any ScoreModel
  /// The process whose noise is removed.
  public let process: any DiffusionProcess
  /// The shape of one sample.
  public let shape: [Int]
  /// What the distribution depends on, with an entry for each sample.
  public let condition: Tensor?
  /// What is known about the samples beforehand.
  public let observation: PartialObservation?
  /// The number of steps in all.
  public let stepCount: Int
  /// The number of steps that were reported.
  public private(set) var step = 0
  /// Where the state is.
  public let device: Device
  private let energyModel: (any EnergyModel)?
  private let modelDevice: Device
  private let modelDType: DType
  private var generators: SampleGenerators
  private let observe: ((SamplerState) throws -> Void)?
  /// Noise to be drawn, in this order, in place of that of the seeds: what another library drew.
  var givenNoise: ArraySlice<Tensor> = []

  init(
    model: any ScoreModel, process: any DiffusionProcess, shape: [Int], seeds: [UInt64], condition: Tensor?,
    observation: PartialObservation? = nil, stepCount: Int, observe: ((SamplerState) throws -> Void)?
  ) throws(SamplerError) {
    try require(!seeds.isEmpty, "sampling needs at least one seed")
    try require(
      !shape.isEmpty && shape.allSatisfy { $0 > 0 }, "the shape of a sample has positive lengths, unlike \(shape)")
    if let condition {
      try require(
        condition.rank > 0 && condition.size(0) == seeds.count,
        "the condition has shape \(condition.shape), but needs an entry for each of the \(seeds.count) samples")
    }
    try observation?.validate(count: seeds.count, shape: shape)
    self.observation = observation
    self.model = model
    self.process = process
    self.shape = shape
    self.stepCount = stepCount
    self.observe = observe
    // Found by reflection and casts, so they are looked up once.
    energyModel = model.energyModel
    modelDevice = model.device
    modelDType = model.computationDType ?? .float64
    device = modelDevice == .mps ? .cpu : modelDevice
    self.condition = condition?.to(modelDevice)
    generators = SampleGenerators(seeds: seeds)
  }

  /// The number of samples.
  public var count: Int { generators.seeds.count }

  /// The noise levels σ₀ > … > σ_N₋₁ of N steps, and σ_N = 0: the data.
  ///
  /// - Throws: as `NoiseSchedule.levels`.
  public func levels(
    _ steps: Int, _ schedule: NoiseSchedule, sigmaMin: Double? = nil, sigmaMax: Double? = nil
  ) throws(SamplerError) -> [NoiseLevel] {
    let levels = try schedule.levels(steps, of: process, sigmaMin: sigmaMin, sigmaMax: sigmaMax)
    return levels + [NoiseLevel(time: process.samplingRange.lowerBound, sigma: 0, scale: 1)]
  }

  /// Fresh standard normal noise, `[count] + shape`.
  public mutating func noise() -> Tensor {
    (givenNoise.popFirst() ?? generators.normal(shape, dtype: .float64)).to(device)
  }

  /// A fresh number for each sample, uniform on [0, 1): `[count]`.
  public mutating func uniform() -> Tensor { generators.uniform([], dtype: .float64).to(device) }

  /// The denoiser D = E[x₀ | x] at x = x₀ + σε, which is in units of the data: xₜ/s(t).
  ///
  /// Of what is known about the samples, it is what is known.
  public func denoised(_ x: Tensor, at level: NoiseLevel) -> Tensor {
    let denoised = evaluate(x * level.scale, at: level) { x, t in
      model.denoised(x, at: t, process: process, condition: condition)
    }
    return observation?.imposed(on: denoised) ?? denoised
  }

  /// The denoiser for some samples of the batch, at a noise level of their own each.
  ///
  /// - Parameters:
  ///   - x: the states of these samples in units of the data, `[positions.count] + shape`.
  ///   - sigmas: the noise level of each.
  ///   - positions: their places in the batch.
  public func denoised(_ x: Tensor, at sigmas: [Double], of positions: [Int]) -> Tensor {
    let times = process.time(sigma: Tensor(sigmas))
    let labels = positions.count == count ? condition : condition?.gathering(positions)
    let scaled = x * process.scale(times).to(x.device).broadcastable(toRank: x.rank)
    let result = model.denoised(
      scaled.to(modelDType).to(modelDevice), at: times.to(modelDType).to(modelDevice), process: process,
      condition: labels)
    precondition(
      result.shape == x.shape, "a score model returned shape \(result.shape) for x of shape \(x.shape)")
    let denoised = result.to(device).to(.float64)
    return observation?.imposed(on: denoised, at: positions) ?? denoised
  }

  /// The score ∇ₓ log pₜ(x) at xₜ = s·(x₀ + σε).
  ///
  /// Of what is known about the samples, it is the score of what is known.
  public func score(_ x: Tensor, at level: NoiseLevel) -> Tensor {
    let score = evaluate(x, at: level) { x, t in model.score(x, at: t, condition: condition) }
    guard let observation else { return score }
    let denoised = observation.imposed(on: denoised(x, score: score, at: level))
    let deviation = level.scale * level.sigma
    return (level.scale * denoised - x) / (deviation * deviation)
  }

  /// The denoiser that belongs to a score, by Tweedie's formula D = (x + s²σ²·score)/s.
  public func denoised(_ x: Tensor, score: Tensor, at level: NoiseLevel) -> Tensor {
    x / level.scale + level.scale * level.sigma * level.sigma * score
  }

  /// The energy of each sample at x = x₀ + σε, which is in units of the data: E(s·x, t), `[count]`.
  ///
  /// Differences at one noise level are those of −log of the density of x, the factor s having no part in them.
  ///
  /// - Throws: `SamplerError` if the model has no energy.
  public func energy(_ x: Tensor, at level: NoiseLevel) throws(SamplerError) -> Tensor {
    try require(
      observation == nil, "the energy says nothing about samples that are known in part; choose another sampler")
    guard let energyModel else {
      throw SamplerError(
        "this sampler needs a model that knows its energy, which accepts or rejects each step; train one with "
          + "--conservative energy, or choose another sampler")
    }
    return evaluate(x * level.scale, at: level, shape: [count]) { x, t in
      energyModel.energy(x, at: t, condition: condition)
    }
  }

  private func evaluate(
    _ x: Tensor, at level: NoiseLevel, shape: [Int]? = nil, _ function: (Tensor, Tensor) -> Tensor
  ) -> Tensor {
    let t = Tensor.full([count], level.time, dtype: modelDType, device: modelDevice)
    let result = function(x.to(modelDType).to(modelDevice), t)
    precondition(
      result.shape == shape ?? x.shape, "a score model returned shape \(result.shape) for x of shape \(x.shape)")
    return result.to(device).to(.float64)
  }

  /// The squared norm of each sample, `[count, 1, …]`, which does not depend on its batch mates.
  public func squaredNorm(_ x: Tensor) -> Tensor {
    x.square().sumPerExampleInPairs().broadcastable(toRank: x.rank)
  }

  /// Ends a step: checks that the state is finite and shows it to the observer.
  ///
  /// - Parameters:
  ///   - x: the state xₜ = s·(x₀ + σε).
  ///   - level: the noise level of x.
  ///   - denoised: the denoised data that the step was made with.
  ///   - acceptance: the probability with which each sample's proposal was accepted, `[count]`.
  /// - Throws: `SamplerError` if x or the acceptance is not finite; what the observer throws.
  public mutating func finishStep(
    _ x: Tensor, at level: NoiseLevel, denoised: Tensor? = nil, acceptance: Tensor? = nil
  ) throws {
    step += 1
    try require(
      x.allFinite && acceptance?.allFinite ?? true,
      "step \(step) of \(stepCount), to noise level \(level.sigma), left samples that are not finite: check that the "
        + "model was trained for this process, or take smaller steps")
    try observe?(
      SamplerState(
        step: step, stepCount: stepCount, time: level.time, sigma: level.sigma, x: x, denoised: denoised,
        acceptance: acceptance))
  }
}

extension Tensor {
  /// The sum of each example, `[batch]`.
  ///
  /// Halves are added to each other until one number is left: libtorch's own reductions split their work by the size of
  /// the whole tensor, so that the last bits of an example's sum would depend on its batch mates.
  package func sumPerExampleInPairs() -> Tensor {
    var terms = rank == 1 ? expandingDimension(at: 1) : flattened(from: 1)
    while terms.size(1) > 1 {
      let half = terms.size(1) / 2
      let sums = terms.slicing(0, half, along: 1) + terms.slicing(half, 2 * half, along: 1)
      let rest = terms.slicing(2 * half, terms.size(1), along: 1)
      terms = rest.size(1) == 0 ? sums : .concatenate([sums, rest], along: 1)
    }
    return terms.squeezed(1)
  }
}
