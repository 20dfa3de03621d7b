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
    guard let number = value.double else { throw refusal(name, "a number", value) }
    return number
  }

  package func integer(_ name: String) throws(FieldError) -> Int? {
    guard let value = value(name) else { return nil }
    guard let integer = value.double.flatMap({ Int(exactly: $0) }) else {
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
    guard case .list(let values) = value else { throw refusal(name, "a list of texts", value) }
    return values.map { if case .text(let text) = $0 { text } else { nil } }
  }

  private func value(_ name: String) -> JSONValue? {
    if case .null = values[name] { return nil }
    return values[name]
  }

  private func refusal(_ name: String, _ kind: String, _ value: JSONValue) -> FieldError {
    FieldError(description: "\(name) must be \(kind), not \(value)")
  }
}

/// A key of a JSON object, which may be any text.
package struct JSONKey: CodingKey {
  package let stringValue: String
  package var intValue: Int? { nil }

  package init(stringValue: String) { self.stringValue = stringValue }
  package init?(intValue: Int) { nil }
}
