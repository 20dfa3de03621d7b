/// A sentence that names options of a run, such as `learning-rate`, apart from its words.
///
/// A library does not know how a program spells its options. Sentences are written as
/// `"\(option: "learning-rate") needs a positive number, not \(rate)"`;
/// a command-line tool adds its dashes.
public struct Sentence: Hashable, Sendable, ExpressibleByStringInterpolation, CustomStringConvertible {
  fileprivate enum Part: Hashable, Sendable {
    case words(String)
    case option(String)
  }

  private var parts: [Part]

  /// Makes a sentence without options.
  public init(stringLiteral words: String) { parts = [.words(words)] }

  /// Makes a sentence from literal parts, values and options.
  public init(stringInterpolation: StringInterpolation) { parts = stringInterpolation.parts }

  /// The sentence with the names of options as they are in `config.json`.
  public var description: String { text { $0 } }

  /// The sentence with each option spelled as a program spells it.
  ///
  /// - Parameter spelling: the spelling of an option's name.
  public func text(spelling: (_ option: String) -> String) -> String {
    parts.map { part in
      switch part {
      case .words(let words): words
      case .option(let name): spelling(name)
      }
    }.joined()
  }

  /// Joins two parts of a sentence.
  public static func + (first: Sentence, second: Sentence) -> Sentence {
    var result = first
    result.parts += second.parts
    return result
  }

  /// Collects the parts of a literal.
  public struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var parts: [Part] = []

    /// Makes an empty collection.
    public init(literalCapacity: Int, interpolationCount: Int) { parts.reserveCapacity(2 * interpolationCount + 1) }

    /// Adds words.
    public mutating func appendLiteral(_ words: String) { parts.append(.words(words)) }

    /// Adds a value as `String(describing:)` shows it.
    public mutating func appendInterpolation(_ value: some Any) { parts.append(.words(String(describing: value))) }

    /// Adds another sentence, with its options.
    public mutating func appendInterpolation(_ sentence: Sentence) { parts += sentence.parts }

    /// Adds the name of an option, as in `config.json`.
    public mutating func appendInterpolation(option name: String) { parts.append(.option(name)) }
  }
}
