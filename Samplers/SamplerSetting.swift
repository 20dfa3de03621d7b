internal import Files

/// A setting that several samplers share, so that it can be changed without knowing the sampler's type.
///
/// A sampler declares its settings in `Sampler.settings`:
///
/// ```swift
/// public static var settings: [SamplerSetting: PartialKeyPath<Self>] { [.stepSize: \.stepSize] }
/// ```
public enum SamplerSetting: String, CaseIterable, Sendable {
  /// The number of steps, of noise levels for a sampler with steps at each level, of observed states for an adaptive one:
  /// `Int`.
  case steps
  /// The number of steps at each noise level: `Int`.
  case stepsPerLevel
  /// The spacing of the noise levels: `NoiseSchedule`.
  case schedule
  /// The smallest noise level above 0: `Double`.
  case sigmaMin
  /// The noise level to start from: `Double`.
  case sigmaMax
  /// The part of fresh noise in a step: `Double`.
  case eta
  /// The error allowed in a step of an adaptive sampler: `Double`.
  case tolerance
  /// The size of Langevin steps relative to the squared noise level: `Double`.
  case stepSize
  /// The one noise level of a sampler that does not anneal: `Double`.
  case noiseLevel
  /// The noise that is added and removed again over all steps: `Double`.
  case churn
}

extension Sampler {
  /// No settings.
  public static var settings: [SamplerSetting: PartialKeyPath<Self>] { [:] }

  /// Whether the sampler has a setting.
  public func has(_ setting: SamplerSetting) -> Bool { Self.settings[setting] != nil }

  /// The value of a setting; `nil` if the sampler does not have it, or leaves it to the process.
  ///
  /// - Precondition: `Value` is the type that the setting is documented with.
  public func value<Value>(of setting: SamplerSetting, as type: Value.Type = Value.self) -> Value? {
    guard let path = Self.settings[setting] else { return nil }
    if let path = path as? KeyPath<Self, Value> { return self[keyPath: path] }
    if let path = path as? KeyPath<Self, Value?> { return self[keyPath: path] }
    endProgram("the setting \(setting) of \(Self.self) is not a \(Value.self)")
  }

  /// Changes a setting, if the sampler has it.
  ///
  /// - Returns: whether the sampler has it.
  /// - Precondition: `Value` is the type that the setting is documented with.
  @discardableResult
  public mutating func set<Value>(_ setting: SamplerSetting, to value: Value) -> Bool {
    guard let path = Self.settings[setting] else { return false }
    if let path = path as? WritableKeyPath<Self, Value> {
      self[keyPath: path] = value
    } else if let path = path as? WritableKeyPath<Self, Value?> {
      self[keyPath: path] = value
    } else {
      endProgram("the setting \(setting) of \(Self.self) is not a \(Value.self) that can be changed")
    }
    return true
  }
}
