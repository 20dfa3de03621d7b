public import ScoreModels

/// The noise levels that a sampler steps through.
///
/// Karras et al. (2022), arXiv 2206.00364, call it the time step discretization.
public struct Discretization: Hashable, Sendable {
  /// The number of steps N, and of noise levels above 0.
  public var steps: Int
  /// The spacing of the noise levels.
  public var schedule: NoiseSchedule
  /// The smallest noise level above 0; `nil` means the smallest of the process's sampling range.
  public var sigmaMin: Double?
  /// The noise level to start from; `nil` means the largest of the process's sampling range.
  public var sigmaMax: Double?

  /// Makes a discretization.
  public init(steps: Int, schedule: NoiseSchedule, sigmaMin: Double? = nil, sigmaMax: Double? = nil) {
    self.steps = steps
    self.schedule = schedule
    self.sigmaMin = sigmaMin
    self.sigmaMax = sigmaMax
  }

  /// The noise levels σ₀ > … > σ_N₋₁ of N steps, and σ_N = 0: the data.
  ///
  /// - Throws: as `NoiseSchedule.levels`.
  public func levels(of process: any DiffusionProcess) throws(SamplerError) -> [NoiseLevel] {
    try schedule.levels(steps, of: process, sigmaMin: sigmaMin, sigmaMax: sigmaMax) + [.data(of: process)]
  }

  /// Checks the number of steps; the rest depends on the process, and is checked with the levels.
  ///
  /// - Parameters:
  ///   - sampler: what needs the steps, for the sentence of the error.
  ///   - unit: what is counted.
  /// - Throws: `SamplerError` unless there is a step.
  public func validate(for sampler: String, counting unit: String = "step") throws(SamplerError) {
    try require(steps > 0, "\(sampler) needs at least 1 \(unit), not \(steps)")
  }
}

/// A sampler that steps through the noise levels of a discretization.
///
/// A conforming type declares its default discretization once, initializes `discretization` with it, and gets the rest.
public protocol DiscretizedSampler: Sampler {
  /// The discretization of a new sampler.
  static var defaultDiscretization: Discretization { get }
  /// The noise levels that the sampler steps through.
  var discretization: Discretization { get set }
  /// The settings beside those of the discretization, as `Sampler.settings`; none by default.
  static var furtherSettings: [SamplerSetting: PartialKeyPath<Self>] { get }
  /// Makes a sampler with the default settings.
  init()
}

extension DiscretizedSampler {
  /// No further settings.
  public static var furtherSettings: [SamplerSetting: PartialKeyPath<Self>] { [:] }

  /// Those of the discretization, and the further ones.
  public static var settings: [SamplerSetting: PartialKeyPath<Self>] {
    let common: [SamplerSetting: PartialKeyPath<Self>] = [
      .steps: \Self.steps, .schedule: \Self.schedule, .sigmaMin: \Self.sigmaMin, .sigmaMax: \Self.sigmaMax,
    ]
    return common.merging(furtherSettings) { _, further in further }
  }

  /// Makes a sampler with some settings of the discretization; `nil` leaves the sampler's default.
  public init(
    steps: Int? = nil, schedule: NoiseSchedule? = nil, sigmaMin: Double? = nil, sigmaMax: Double? = nil
  ) {
    self.init()
    self = with(steps: steps, schedule: schedule, sigmaMin: sigmaMin, sigmaMax: sigmaMax)
  }

  /// The same sampler with another discretization; `nil` leaves a setting as it is.
  public func with(
    steps: Int? = nil, schedule: NoiseSchedule? = nil, sigmaMin: Double? = nil, sigmaMax: Double? = nil
  ) -> Self {
    var copy = self
    if let steps { copy.steps = steps }
    if let schedule { copy.schedule = schedule }
    if let sigmaMin { copy.sigmaMin = sigmaMin }
    if let sigmaMax { copy.sigmaMax = sigmaMax }
    return copy
  }

  /// One observed step for each step of the discretization.
  public var stepCount: Int { steps }

  /// The number of steps N, and of noise levels above 0.
  public var steps: Int {
    get { discretization.steps }
    set { discretization.steps = newValue }
  }

  /// The spacing of the noise levels.
  public var schedule: NoiseSchedule {
    get { discretization.schedule }
    set { discretization.schedule = newValue }
  }

  /// The smallest noise level above 0; `nil` means the smallest of the process's sampling range.
  public var sigmaMin: Double? {
    get { discretization.sigmaMin }
    set { discretization.sigmaMin = newValue }
  }

  /// The noise level to start from; `nil` means the largest of the process's sampling range.
  public var sigmaMax: Double? {
    get { discretization.sigmaMax }
    set { discretization.sigmaMax = newValue }
  }
}
