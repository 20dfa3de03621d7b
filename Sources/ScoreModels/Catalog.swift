internal import Files

/// What a program adds to the built-in models, processes, objectives, constraints and data.
///
/// ```swift
/// let catalog = Catalog(name: "my", [ConvolutionalScore.self, CosineProcess.self])
/// let run = try TrainingRun.start(configuration, at: "runs/first", catalog: catalog)
/// ```
public struct Catalog: Sendable {
  /// The first part of the names of the program's tools: `my` for `my-train` and `my-sample`; `nil` for a program without
  /// tools.
  ///
  /// Checkpoints hold it, so that other programs can tell which tool reads them.
  public let name: String?
  /// The types, which conform to `ConfigurableScoreModel`, `ConfigurableProcess`, `ConfigurableObjective`,
  /// `ConfigurableConstraint` or `ConfigurableData`.
  public let entries: [any Configurable.Type]

  /// What a program without anything of its own has.
  public static let builtIn = Catalog()

  /// Makes a catalog.
  ///
  /// - Precondition: no two entries of a kind have the same name.
  public init(name: String? = nil, _ entries: [any Configurable.Type] = []) {
    self.name = name
    self.entries = entries
    for (index, entry) in entries.enumerated() {
      demand(
        !entries[..<index].contains { $0.name == entry.name }, "two entries of a catalog are named \(entry.name)")
    }
  }

  /// The models.
  public var models: [any ConfigurableScoreModel.Type] { entries.compactMap { $0 as? any ConfigurableScoreModel.Type } }
  /// The processes.
  public var processes: [any ConfigurableProcess.Type] { entries.compactMap { $0 as? any ConfigurableProcess.Type } }
}
