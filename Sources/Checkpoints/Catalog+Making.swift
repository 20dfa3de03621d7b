public import Files
internal import ScoreModels
internal import Torch

/// A model or process that a program does not know, because it belongs to another program.
public struct UnknownModel: Failure, Equatable {
  /// A name that the program does not know.
  public var kind: FailureKind { .usage }
  /// `model` or `process`.
  public let what: String
  /// The name.
  public let name: String
  /// What is unknown, in one sentence.
  public var description: String { "this program does not know the \(what) \(name)" }
}

extension Catalog {
  /// The model of a name.
  func model(named name: String) throws(UnknownModel) -> any ConfigurableScoreModel.Type {
    guard let model = models.first(where: { $0.name == name }) else { throw UnknownModel(what: "model", name: name) }
    return model
  }

  /// The process of a name.
  func process(named name: String) throws(UnknownModel) -> any ConfigurableProcess.Type {
    guard let process = processes.first(where: { $0.name == name }) else {
      throw UnknownModel(what: "process", name: name)
    }
    return process
  }
}

extension ConfigurableScoreModel {
  /// The model that JSON describes.
  static func make(
    _ options: JSONValue?, for context: ModelContext, using generator: inout RandomGenerator
  ) throws -> any ScoreModel {
    try Self(configuration(from: options), for: context, using: &generator)
  }
}

extension ConfigurableProcess {
  /// The process that JSON describes.
  static func make(_ options: JSONValue?) throws -> any DiffusionProcess { try Self(configuration(from: options)) }
}
