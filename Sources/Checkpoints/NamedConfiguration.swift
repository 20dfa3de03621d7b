public import Files
public import ScoreModels

/// The name and the options of something of a program's own, as checkpoints hold them.
public struct NamedConfiguration: Codable, Hashable, Sendable {
  /// The name by which a `Catalog` knows it.
  public var name: String
  /// Its configuration.
  public var options: JSONValue

  /// Makes a named configuration of any content.
  public init(name: String, options: JSONValue) {
    self.name = name
    self.options = options
  }

  /// The complete configuration of a type that JSON describes; members that are left out have their defaults.
  ///
  /// - Throws: `ConfigurableError`.
  public init<Type: Configurable>(_ type: Type.Type, options: JSONValue?) throws(ConfigurableError) {
    let configuration = try type.configuration(from: options)
    do {
      self.init(name: type.name, options: try JSONValue(encoding: configuration))
    } catch {
      throw ConfigurableError("the options of \(type.name) cannot be written: \(error)")
    }
  }
}
