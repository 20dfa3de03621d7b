internal import Files

/// An option of a run: its name in `config.json`, its property, and the values that are allowed.
struct RunOption: Sendable {
  /// A value of another type than the option has.
  struct TypeError: Error {
    let name: String
    let type: String
  }

  /// The name in `config.json`, which is also that of the tools' option.
  let name: String
  /// Checks the value of a configuration.
  let check: @Sendable (RunConfiguration) throws(RunError) -> Void
  /// Whether two configurations have the same value.
  let isEqual: @Sendable (RunConfiguration, RunConfiguration) -> Bool
  /// Reads the value, if there is one.
  let read: @Sendable (inout RunConfiguration, KeyedDecodingContainer<Key>) throws -> Void
  /// Writes the value, if it is set.
  let write: @Sendable (RunConfiguration, inout KeyedEncodingContainer<Key>) throws -> Void

  /// The name of any option.
  struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// An option that always has a value.
  init<Value: Codable & Equatable & Sendable>(
    _ name: String, _ property: any WritableKeyPath<RunConfiguration, Value> & Sendable,
    _ wanted: String = "", _ isAllowed: @escaping @Sendable (Value) -> Bool = { _ in true }
  ) {
    self.name = name
    check = { configuration throws(RunError) in
      try Self.check(name, configuration[keyPath: property], wanted, isAllowed)
    }
    isEqual = { $0[keyPath: property] == $1[keyPath: property] }
    read = { configuration, container in
      if let value = try Self.value(Value.self, name, container) { configuration[keyPath: property] = value }
    }
    write = { try $1.encode($0[keyPath: property], forKey: Key(stringValue: name)) }
  }

  /// An option that is chosen to suit the data while it is `nil`.
  init<Value: Codable & Equatable & Sendable>(
    _ name: String, _ property: any WritableKeyPath<RunConfiguration, Value?> & Sendable,
    _ wanted: String = "", _ isAllowed: @escaping @Sendable (Value) -> Bool = { _ in true }
  ) {
    self.name = name
    check = { configuration throws(RunError) in
      if let value = configuration[keyPath: property] { try Self.check(name, value, wanted, isAllowed) }
    }
    isEqual = { $0[keyPath: property] == $1[keyPath: property] }
    read = { configuration, container in
      if let value = try Self.value(Value.self, name, container) { configuration[keyPath: property] = value }
    }
    write = { try $1.encodeIfPresent($0[keyPath: property], forKey: Key(stringValue: name)) }
  }

  /// A whole number.
  init(_ name: String, _ property: any WritableKeyPath<RunConfiguration, Int> & Sendable, in range: ClosedRange<Int>) {
    self.init(name, property, Self.wanted(range)) { range.contains($0) }
  }

  /// A whole number that is chosen to suit the data while it is `nil`.
  init(_ name: String, _ property: any WritableKeyPath<RunConfiguration, Int?> & Sendable, in range: ClosedRange<Int>) {
    self.init(name, property, Self.wanted(range)) { range.contains($0) }
  }

  private static func wanted(_ range: ClosedRange<Int>) -> String {
    "a whole number from \(range.lowerBound) to \(range.upperBound)"
  }

  private static func check<Value>(
    _ name: String, _ value: Value, _ wanted: String, _ isAllowed: (Value) -> Bool
  ) throws(RunError) {
    let isFinite = (value as? Double)?.isFinite ?? true
    guard isFinite, isAllowed(value) else {
      let shown = (value as? [Int])?.map(String.init).joined(separator: ",") ?? "\(value)"
      throw RunError(.usage, "\(option: name) needs \(wanted), not \(shown)")
    }
  }

  private static func value<Value: Decodable>(
    _ type: Value.Type, _ name: String, _ container: KeyedDecodingContainer<Key>
  ) throws -> Value? {
    do {
      return try container.decodeIfPresent(type, forKey: Key(stringValue: name))
    } catch {
      throw TypeError(name: name, type: "\(type)")
    }
  }
}

extension RunConfiguration: Codable {
  /// All options: a new one is declared here and as a property.
  static let options: [RunOption] = [
    RunOption("data", \.data), RunOption("labels", \.labels), RunOption("loading", \.loading),
    RunOption("model", \.model), RunOption("width", \.width, in: 2...65536),
    RunOption("channels", \.channels, "1 to 8 multiples of 4 such as 32,64,64") { channels in
      (1...8).contains(channels.count) && channels.allSatisfy { (4...4096).contains($0) && $0 % 4 == 0 }
    },
    RunOption("blocks", \.blocks, in: 1...100), RunOption("process", \.process),
    RunOption("objective", \.objective), RunOption("weighting", \.weighting), RunOption("flip", \.flip),
    RunOption("shift", \.shift, in: 0...1024), RunOption("conservative", \.conservative),
    RunOption("penalty-weight", \.penaltyWeight, "0 or more") { $0 >= 0 },
    RunOption("projection-every", \.projectionEvery, in: 1...1_000_000_000),
    RunOption("sparsity", \.sparsity, "at least 0 and below 1") { (0..<1).contains($0) },
    RunOption("steps", \.steps, in: 1...1_000_000_000),
    RunOption("batch-size", \.batchSize, in: 1...1_000_000),
    RunOption("learning-rate", \.learningRate, "a positive number") { $0 > 0 },
    RunOption("warmup", \.warmup, in: 0...1_000_000_000), RunOption("decay", \.decay),
    RunOption("weight-decay", \.weightDecay, "0 or more") { $0 >= 0 },
    RunOption("gradient-clip", \.gradientClip, "a positive number") { $0 > 0 },
    RunOption("ema", \.ema, "at least 0 and below 1") { (0..<1).contains($0) },
    RunOption("class-conditional", \.classConditional), RunOption("seed", \.seed), RunOption("device", \.device),
    RunOption("threads", \.threads, in: 1...256),
    RunOption("checkpoint-every", \.checkpointEvery, in: 1...1_000_000_000),
    RunOption("sample-every", \.sampleEvery, in: 0...1_000_000_000), RunOption("tensorboard", \.tensorboard),
  ]

  /// Reads a configuration; an option that the file leaves out has its default.
  ///
  /// - Throws: `RunOption.TypeError` for a value of another type, `DecodingError` for what is no object.
  public init(from decoder: any Decoder) throws {
    self.init()
    let container = try decoder.container(keyedBy: RunOption.Key.self)
    for option in Self.options { try option.read(&self, container) }
  }

  /// Writes the options that are set.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: RunOption.Key.self)
    for option in Self.options { try option.write(self, &container) }
  }
}
