public import Datasets
public import Files
public import ScoreModels

/// Data of a program's own that runs know by name, such as simulations or a file format of its own.
public protocol ConfigurableData: Configurable {
  /// Reads or makes the data.
  ///
  /// The same configuration and seed give the same data. A resumed run compares their checksum.
  ///
  /// - Throws: an error whose description is one sentence, if there are no such data.
  static func load(_ configuration: Configuration, seed: UInt64) throws -> Dataset
}

extension Catalog {
  /// The data.
  public var data: [any ConfigurableData.Type] { entries.compactMap { $0 as? any ConfigurableData.Type } }

  /// Whether a name stands for data without files: built-in data, or data of the program's own.
  public func namesData(_ name: String) -> Bool {
    DatasetSource.builtInNames.contains(name) || data.contains { $0.name == name }
  }

  /// Reads or makes the data that a run's options name.
  ///
  /// - Parameters:
  ///   - source: the name of built-in data or data of the program's own, or a path.
  ///   - options: the configuration of data of the program's own.
  ///   - labels: the path of labels, as for `DatasetSource.load`.
  ///   - seed: the seed of data that are drawn.
  ///   - loading: whether examples of files are kept in memory or streamed.
  /// - Throws: `DataError`; `ConfigurableError`, and what data of the program's own throw.
  public func load(
    _ source: String, options: JSONValue? = nil, labels: String? = nil, seed: UInt64 = 0,
    loading: Dataset.Loading = .automatic
  ) throws -> Dataset {
    guard let own = data.first(where: { $0.name == source }) else {
      return try DatasetSource(source).load(labels: labels, seed: seed, loading: loading)
    }
    return try own.load(options: options, seed: seed)
  }
}

extension ConfigurableData {
  fileprivate static func load(options: JSONValue?, seed: UInt64) throws -> Dataset {
    do {
      return try load(configuration(from: options), seed: seed)
    } catch let error where !(error is any Failure) {
      throw RunError(.data, "\(error)")
    }
  }
}
