internal import Files
public import ScoreModels
public import Torch

/// What a sampler works with for one batch: noise, evaluations of the model and reports of its steps.
///
/// Tensors that go in and out are `float64`, on the model's device or, where that has no `float64` (MPS), on the
/// processor. The model gets its own element type on its own device.
///
/// States come in two units, which the labels of arguments tell apart: `scaled` is xₜ = s·(x₀ + σε), and `unscaled` is
/// xₜ/s = x₀ + σε, in units of the data.
///
/// A sample stays independent of its batch mates if the sampler uses elementwise arithmetic and `squaredNorm(_:)` alone.
public struct SamplingRun {
  /// The model.
  public let model: any ScoreModel
  /// The process whose noise is removed.
  public let process: any DiffusionProcess
  /// The shape of one sample.
  public let shape: [Int]
  /// What the distribution depends on, with an entry for each sample of the batch, such as class labels `[batch]`; `nil` for none.
  public let condition: Tensor?
  /// What is known about the samples beforehand.
  public let observation: PartialObservation?
  /// The number of steps in all.
  public let stepCount: Int
  /// The number of steps that were reported.
  public private(set) var step = 0
  /// Where the state is.
  public let device: Device
  private let samples: Range<Int>
  private let energyModel: (any EnergyModel)?
  private let modelDevice: Device
  private let modelDType: DType
  private var generators: SampleGenerators
  private let observe: ((SamplerState) throws -> Void)?
  /// Draws that replace the first ones of the seeds' own.
  private var givenNoise: ArraySlice<Tensor>

  /// Makes the run of a batch; arguments as those of `Sampler.sample(from:…)`.
  ///
  /// - Parameters:
  ///   - seeds: the seeds of all batches.
  ///   - samples: the positions of this batch among the seeds.
  ///   - condition: the entries of this batch, as `observation` and `noise` are.
  init(
    model: any ScoreModel, process: any DiffusionProcess, shape: [Int], seeds: [UInt64], samples: Range<Int>,
    condition: Tensor? = nil, observation: PartialObservation? = nil, noise: Tensor? = nil, stepCount: Int,
    observe: ((SamplerState) throws -> Void)? = nil
  ) {
    self.model = model
    self.process = process
    self.shape = shape
    self.samples = samples
    self.observation = observation
    self.stepCount = stepCount
    self.observe = observe
    // Found by reflection and casts, so they are looked up once.
    energyModel = model.energyModel
    modelDevice = model.device
    modelDType = model.computationDType ?? .float64
    device = modelDevice == .mps ? .cpu : modelDevice
    self.condition = condition?.to(modelDevice)
    generators = SampleGenerators(seeds: Array(seeds[samples]))
    givenNoise = noise.map { noise in (0..<noise.size(0)).map { noise[$0].to(.float64) }[...] } ?? []
  }

  /// The number of samples in the batch.
  public var count: Int { samples.count }

  /// The noise levels σ₀ > … > σ_N₋₁ of a discretization with N steps, and σ_N = 0: the data.
  ///
  /// - Throws: as `NoiseSchedule.levels`.
  public func levels(_ discretization: Discretization) throws(SamplerError) -> [NoiseLevel] {
    try discretization.levels(of: process)
  }

  /// Fresh standard normal noise, `[count] + shape`.
  public mutating func noise() -> Tensor {
    (givenNoise.popFirst() ?? generators.normal(shape, dtype: .float64)).to(device)
  }

  /// A fresh number for each sample, uniform on [0, 1): `[count]`.
  public mutating func uniform() -> Tensor { generators.uniform([], dtype: .float64).to(device) }

  /// The denoiser D = E[x₀ | x] at x = xₜ/s.
  ///
  /// Its observed elements are replaced by their known values.
  public func denoised(unscaled x: Tensor, at level: NoiseLevel) -> Tensor {
    let denoised = evaluate(x * level.scale, at: level) { x, t in
      model.checkedDenoised(x, at: t, process: process, condition: condition)
    }
    return observation?.imposed(on: denoised) ?? denoised
  }

  /// The denoiser for some samples of the batch, each at a noise level of its own.
  ///
  /// - Parameters:
  ///   - x: the states xₜ/s of these samples, `[positions.count] + shape`.
  ///   - sigmas: the noise level of each.
  ///   - positions: their places in the batch.
  public func denoised(unscaled x: Tensor, at sigmas: [Double], of positions: [Int]) -> Tensor {
    let times = process.time(sigma: Tensor(sigmas))
    let labels = positions.count == count ? condition : condition?.gathering(positions)
    let scaled = x * process.scale(times).to(x.device).broadcastable(toRank: x.rank)
    let result = model.checkedDenoised(
      scaled.to(modelDType).to(modelDevice), at: times.to(modelDType).to(modelDevice), process: process,
      condition: labels)
    let denoised = result.to(device).to(.float64)
    return observation?.imposed(on: denoised, at: positions) ?? denoised
  }

  /// The denoiser that belongs to a score at xₜ.
  public func denoised(scaled x: Tensor, score: Tensor, at level: NoiseLevel) -> Tensor {
    level.denoised(scaled: x, score: score)
  }

  /// The score ∇ₓ log pₜ(x) at xₜ.
  ///
  /// Where something is observed, it is the score of the denoiser with observed elements replaced.
  public func score(scaled x: Tensor, at level: NoiseLevel) -> Tensor {
    let score = evaluate(x, at: level) { x, t in model.checkedScore(x, at: t, condition: condition) }
    guard let observation else { return score }
    return level.score(
      scaled: x, denoised: observation.imposed(on: level.denoised(scaled: x, score: score)))
  }

  /// The energy E(xₜ, t) of each sample at x = xₜ/s: `[count]`.
  ///
  /// Differences of energies at one noise level are differences of −log of the density of x; the factor s cancels.
  ///
  /// - Throws: `SamplerError` if the model has no energy, or if something is observed.
  public func energy(unscaled x: Tensor, at level: NoiseLevel) throws(SamplerError) -> Tensor {
    try require(
      observation == nil, "the energy says nothing about samples that are known in part; choose another sampler")
    guard let energyModel else {
      throw SamplerError(
        "this sampler needs a model that knows its energy, which accepts or rejects each step; train one with "
          + "\(option: "conservative") energy, or choose another sampler")
    }
    return evaluate(x * level.scale, at: level) { x, t in energyModel.checkedEnergy(x, at: t, condition: condition) }
  }

  private func evaluate(_ x: Tensor, at level: NoiseLevel, _ function: (Tensor, Tensor) -> Tensor) -> Tensor {
    let t = Tensor.full([count], level.time, dtype: modelDType, device: modelDevice)
    return function(x.to(modelDType).to(modelDevice), t).to(device).to(.float64)
  }

  /// The squared norm of each sample, `[count, 1, …]`, which does not depend on its batch mates.
  public func squaredNorm(_ x: Tensor) -> Tensor {
    x.square().sumPerExampleInPairs().broadcastable(toRank: x.rank)
  }

  /// Ends a step with an unscaled state; as `finishStep(scaled:at:denoised:acceptance:)` with xₜ = s·x.
  public mutating func finishStep(
    unscaled x: Tensor, at level: NoiseLevel, denoised: Tensor? = nil, acceptance: Tensor? = nil
  ) throws {
    try finishStep(scaled: x * level.scale, at: level, denoised: denoised, acceptance: acceptance)
  }

  /// Ends a step: checks that the state is finite and shows it to the observer.
  ///
  /// - Parameters:
  ///   - x: the state xₜ.
  ///   - level: the noise level of x.
  ///   - denoised: the denoised data that the step was made with.
  ///   - acceptance: the probability with which each sample's proposal was accepted, `[count]`.
  /// - Throws: `SamplerError` if x or the acceptance is not finite; any error of the observer.
  public mutating func finishStep(
    scaled x: Tensor, at level: NoiseLevel, denoised: Tensor? = nil, acceptance: Tensor? = nil
  ) throws {
    step += 1
    try require(
      x.allFinite && acceptance?.allFinite ?? true,
      "step \(step) of \(stepCount), to noise level \(level.sigma), left samples that are not finite: check that the "
        + "model was trained for this process, or take smaller steps")
    try observe?(
      SamplerState(
        samples: samples, step: step, stepCount: stepCount, time: level.time, sigma: level.sigma, x: x,
        denoised: denoised, acceptance: acceptance))
  }
}

extension Tensor {
  /// The sum of each example, `[batch]`.
  ///
  /// Halves are added to each other until one number is left. libtorch's own reductions split their work by the size of the
  /// whole tensor, so that the last bits of an example's sum would depend on its batch mates.
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
