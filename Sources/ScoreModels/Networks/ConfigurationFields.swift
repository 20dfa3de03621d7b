internal import Files

/// Reads the values of a configuration by key; its errors are sentences, and it remembers which keys were read.
final class ConfigurationFields {
  private let container: KeyedDecodingContainer<JSONKey>
  private var known: Set<String> = []

  init(_ decoder: any Decoder) throws {
    do {
      container = try decoder.container(keyedBy: JSONKey.self)
    } catch {
      throw UNet2D.ConfigurationError("the configuration is not a JSON object")
    }
  }

  /// The value of a key that may be null.
  func optional<Value: Decodable>(_ name: String, default standard: Value?) throws -> Value? {
    known.insert(name)
    let key = JSONKey(stringValue: name)
    guard container.contains(key) else { return standard }
    do {
      return try container.decodeNil(forKey: key) ? nil : try container.decode(Value.self, forKey: key)
    } catch {
      var sentence = "\(name) must be \(Self.kind(of: Value.self))"
      if let held = try? container.decode(JSONValue.self, forKey: key) {
        sentence += ", not \(held)"
      }
      throw UNet2D.ConfigurationError(sentence)
    }
  }

  func value<Value: Decodable>(_ name: String, default standard: Value) throws -> Value {
    guard let value = try optional(name, default: Optional(standard)) else {
      throw UNet2D.ConfigurationError("\(name) must be \(Self.kind(of: Value.self)), not null")
    }
    return value
  }

  func choice<Choice: RawRepresentable & CaseIterable>(
    _ name: String, default standard: Choice
  ) throws -> Choice where Choice.RawValue == String {
    try parse(name, try value(name, default: standard.rawValue))
  }

  func choices<Choice: RawRepresentable & CaseIterable>(
    _ name: String, default standard: [Choice]
  ) throws -> [Choice] where Choice.RawValue == String {
    try value(name, default: standard.map(\.rawValue)).map { try parse(name, $0) }
  }

  private func parse<Choice: RawRepresentable & CaseIterable>(
    _ name: String, _ text: String
  ) throws -> Choice where Choice.RawValue == String {
    // Early versions of diffusers wrote UNetResDownBlock2D for DownBlock2D, and swish is silu.
    let text = text == "swish" ? "silu" : text.hasPrefix("UNetRes") ? String(text.dropFirst(7)) : text
    if let choice = Choice(rawValue: text) { return choice }
    let choices = Choice.allCases.map(\.rawValue).joined(separator: ", ")
    throw UNet2D.ConfigurationError("\(name) \"\(text)\" is not supported; supported: \(choices)")
  }

  func refuseUnknownKeys() throws {
    let unknown = container.allKeys.map(\.stringValue).filter { !known.contains($0) && !$0.hasPrefix("_") }.sorted()
    if let key = unknown.first { throw UNet2D.ConfigurationError("the configuration has an unknown key \(key)") }
  }

  private static func kind<Value>(of type: Value.Type) -> String {
    switch type {
    case is Int.Type: "an integer"
    case is Double.Type: "a number"
    case is Bool.Type: "true or false"
    case is String.Type: "a text"
    case is [Int].Type: "a list of integers"
    case is [String].Type: "a list of texts"
    default: "an integer or two"
    }
  }
}
