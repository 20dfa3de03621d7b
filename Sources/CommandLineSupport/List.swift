public import ArgumentParser

/// The value of an option that lists several things, separated by commas: `32,64,64`.
public struct List<Element> {
  /// What is listed, in its order.
  public let elements: [Element]

  /// Makes the list of an option's default.
  public init(_ elements: [Element]) { self.elements = elements }

  /// Takes a text apart; `nil` if an element is empty or `parse` returns `nil` for one.
  public init?(_ text: String, parse: (String) -> Element?) {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { parse(String($0)) }
    elements = parts.compactMap { $0 }
    if elements.count < parts.count { return nil }
  }

  /// Takes the text of an option apart.
  ///
  /// - Parameters:
  ///   - option: the name of the option, without dashes.
  ///   - wanted: what the option needs, for the error: `whole numbers separated by commas such as 1,2`.
  ///   - parse: makes an element from its text, or returns `nil`.
  /// - Throws: `ValidationError` if the other initialiser returns `nil`.
  public init(
    _ text: String, _ option: String, of wanted: String, parse: (String) -> Element?
  ) throws(ValidationError) {
    guard let list = Self(text, parse: parse) else {
      throw ValidationError("--\(option) needs \(wanted), not \(text)")
    }
    self = list
  }
}

extension List: Sendable where Element: Sendable {}
