public import Foundation

/// A JSON value of any kind, such as the configuration of a model that this program does not know.
public enum JSONValue: Hashable, Sendable {
  /// `null`.
  case null
  /// `true` or `false`.
  case flag(Bool)
  /// A whole number.
  case integer(Int)
  /// A whole number above `Int.max`.
  case unsigned(UInt64)
  /// Any other number.
  case number(Double)
  /// A text.
  case text(String)
  /// A list.
  case list([JSONValue])
  /// An object.
  case object([String: JSONValue])
  /// A number that `Double` cannot hold.
  case unrepresentable

  /// The JSON form of a value.
  ///
  /// - Throws: `EncodingError` for what JSON cannot hold, such as infinite numbers.
  public init(encoding value: some Encodable) throws {
    self = try JSONDecoder().decode(JSONValue.self, from: JSONEncoder().encode(value))
  }

  /// Reads JSON.
  ///
  /// - Throws: `DecodingError`.
  public init(_ data: Data) throws { self = try JSONDecoder().decode(JSONValue.self, from: data) }

  /// The value as a type that reads JSON.
  ///
  /// - Throws: `DecodingError` where the JSON is not of that type.
  public func decoded<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
    try JSONDecoder().decode(type, from: JSONEncoder().encode(self))
  }

  /// The members of an object; `nil` for other values.
  public var members: [String: JSONValue]? { if case .object(let members) = self { members } else { nil } }

  /// The value of a number; `nil` for other values.
  var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .unsigned(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
}

extension JSONValue: Codable {
  /// Reads a value; what is no number of Swift's becomes `unrepresentable`.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let flag = try? container.decode(Bool.self) {
      self = .flag(flag)
    } else if let integer = try? container.decode(Int.self) {
      self = .integer(integer)
    } else if let integer = try? container.decode(UInt64.self) {
      self = .unsigned(integer)
    } else if let number = try? container.decode(Double.self) {
      self = .number(number)
    } else if let text = try? container.decode(String.self) {
      self = .text(text)
    } else if let list = try? container.decode([JSONValue].self) {
      self = .list(list)
    } else if let members = try? container.decode([String: JSONValue].self) {
      self = .object(members)
    } else {
      self = .unrepresentable
    }
  }

  /// Writes the value.
  ///
  /// - Throws: `EncodingError` for `unrepresentable`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .flag(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .unsigned(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .text(let value): try container.encode(value)
    case .list(let value): try container.encode(value)
    case .object(let value): try container.encode(value)
    case .unrepresentable:
      throw EncodingError.invalidValue(
        self, .init(codingPath: encoder.codingPath, debugDescription: "a number that is too large"))
    }
  }
}

extension JSONValue: CustomStringConvertible {
  /// The value within a sentence.
  public var description: String {
    switch self {
    case .null: "null"
    case .flag(let flag): "\(flag)"
    case .integer(let number): "\(number)"
    case .unsigned(let number): "\(number)"
    case .number(let number): "\(number)"
    case .text(let text): "the text \"\(text.prefix(40))\(text.count > 40 ? "…" : "")\""
    case .list(let values):
      values.isEmpty
        ? "an empty list"
        : values.allSatisfy { if case .text = $0 { true } else { false } }
          ? "a list of texts" : "a list of other values"
    case .object: "an object"
    case .unrepresentable: "a number that is too large"
    }
  }
}
