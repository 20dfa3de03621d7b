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
  let read: @Sendable (inout RunConfiguration, KeyedDecodingContainer<JSONKey>) throws -> Void
  /// Writes the value, if it is set.
  let write: @Sendable (RunConfiguration, inout KeyedEncodingContainer<JSONKey>) throws -> Void

  /// An option that always has a value.
  @_disfavoredOverload
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
    write = { try $1.encode($0[keyPath: property], forKey: JSONKey(stringValue: name)) }
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
    write = { try $1.encodeIfPresent($0[keyPath: property], forKey: JSONKey(stringValue: name)) }
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
    _ type: Value.Type, _ name: String, _ container: KeyedDecodingContainer<JSONKey>
  ) throws -> Value? {
    do {
      return try container.decodeIfPresent(type, forKey: JSONKey(stringValue: name))
    } catch {
      throw TypeError(name: name, type: "\(type)")
    }
  }
}
