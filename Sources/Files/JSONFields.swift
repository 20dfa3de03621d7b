package import Foundation

/// The members of a JSON object, read strictly: a value of an unexpected type is an error and never becomes the
/// default.
///
/// Numbers, truth values and texts do not stand for each other. A member that is absent or null has no value.
package struct JSONFields {
  private let values: [String: JSONValue]

  /// What is wrong with a member: the end of a sentence that begins with the file.
  package struct FieldError: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
  }

  /// Reads the bytes of an object; `nil` for those of anything else.
  package init?(_ data: Data) {
    guard let values = try? JSONDecoder().decode([String: JSONValue].self, from: data) else { return nil }
    self.values = values
  }

  /// Whether there is a member, null or not.
  package func contains(_ name: String) -> Bool { values[name] != nil }

  /// Whether there is a member other than null.
  package func holds(_ name: String) -> Bool { value(name) != nil }

  package func number(_ name: String) throws(FieldError) -> Double? {
    guard let value = value(name) else { return nil }
    guard case .number(let number) = value else { throw refusal(name, "a number", value) }
    return number
  }

  package func integer(_ name: String) throws(FieldError) -> Int? {
    guard let value = value(name) else { return nil }
    guard case .number(let number) = value, let integer = Int(exactly: number) else {
      throw refusal(name, "a whole number", value)
    }
    return integer
  }

  package func flag(_ name: String) throws(FieldError) -> Bool? {
    guard let value = value(name) else { return nil }
    guard case .flag(let flag) = value else { throw refusal(name, "true or false", value) }
    return flag
  }

  package func text(_ name: String) throws(FieldError) -> String? {
    guard let value = value(name) else { return nil }
    guard case .text(let text) = value else { throw refusal(name, "a text", value) }
    return text
  }

  /// A list, with `nil` for its elements that are no texts.
  package func texts(_ name: String) throws(FieldError) -> [String?]? {
    guard let value = value(name) else { return nil }
    guard case .list(let texts) = value else { throw refusal(name, "a list of texts", value) }
    return texts
  }

  private func value(_ name: String) -> JSONValue? {
    if case .null = values[name] { return nil }
    return values[name]
  }

  private func refusal(_ name: String, _ kind: String, _ value: JSONValue) -> FieldError {
    FieldError(description: "\(name) must be \(kind), not \(value)")
  }
}

/// A JSON value; lists and objects are decoded only as far as configurations need.
package enum JSONValue: Decodable, CustomStringConvertible {
  case null
  case flag(Bool)
  case number(Double)
  case text(String)
  case list([String?])
  case object
  /// A number that `Double` cannot hold.
  case unrepresentable

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let flag = try? container.decode(Bool.self) {
      self = .flag(flag)
    } else if let number = try? container.decode(Double.self) {
      self = .number(number)
    } else if let text = try? container.decode(String.self) {
      self = .text(text)
    } else if let list = try? container.decode([Element].self) {
      self = .list(list.map(\.text))
    } else if (try? decoder.container(keyedBy: JSONKey.self)) != nil {
      self = .object
    } else {
      self = .unrepresentable
    }
  }

  private struct Element: Decodable {
    let text: String?

    init(from decoder: any Decoder) throws { text = try? decoder.singleValueContainer().decode(String.self) }
  }

  /// The value within a sentence.
  package var description: String {
    switch self {
    case .null: "null"
    case .flag(let flag): "\(flag)"
    case .number(let number): Int(exactly: number).map(String.init) ?? "\(number)"
    case .text(let text): "the text \"\(text.prefix(40))\(text.count > 40 ? "…" : "")\""
    case .list(let texts):
      texts.isEmpty ? "an empty list" : texts.contains(nil) ? "a list of other values" : "a list of texts"
    case .object: "an object"
    case .unrepresentable: "a number that is too large"
    }
  }
}

/// A key of a JSON object, which may be any text.
package struct JSONKey: CodingKey {
  package let stringValue: String
  package var intValue: Int? { nil }

  package init(stringValue: String) { self.stringValue = stringValue }
  package init?(intValue: Int) { nil }
}
