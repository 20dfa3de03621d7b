internal import Checkpoints
internal import Datasets
internal import Files
import Foundation
public import ScoreModels
internal import Torch

extension RunConfiguration {
  /// Checks the options that are set.
  ///
  /// - Parameter catalog: what the program adds to the built-in models.
  /// - Throws: `RunError`, which names the option, its value and what is allowed.
  public func validate(_ catalog: Catalog = .builtIn) throws(RunError) {
    for option in Self.options { try option.check(self) }
    try validateNames(catalog)
    if data == "" { throw RunError(.usage, "\(option: "data") is empty: name a built-in data set or a path") }
    if let labels, labels.isEmpty || catalog.namesData(data ?? "") {
      throw RunError(
        .usage,
        "\(option: "labels") names the labels of IDX files and .npy arrays, which \(data ?? "the data set") is not")
    }
    if device != Device.automatic, Device(device) == nil { throw Device.unknown(device) }
  }

  /// Checks that what is named exists, and that options belong to something of the program's own.
  private func validateNames(_ catalog: Catalog) throws(RunError) {
    let ownModel: String? = if case .own(let name) = model { name } else { nil }
    let ownProcess: String? = if case .own(let name) = process { name } else { nil }
    let ownObjective: String? = if case .own(let name) = objective { name } else { nil }
    let builtInConstraints: [String] = []
    for (option, name, known, builtIn) in [
      ("model", ownModel, catalog.models.map { $0.name }, Model.allCases.map(\.rawValue)),
      ("process", ownProcess, catalog.processes.map { $0.name }, ProcessConfiguration.Kind.allCases.map(\.rawValue)),
      ("objective", ownObjective, catalog.objectives.map { $0.name }, Objective.allCases.map(\.rawValue)),
      ("constraint", constraint, catalog.constraints.map { $0.name }, builtInConstraints),
    ] {
      guard let name, !known.contains(name) else { continue }
      let names = builtIn + known
      throw RunError(
        .usage,
        names.isEmpty
          ? "\(option: option) names a constraint of a program's own, and this program has none"
          : "\(option: option) needs \(names.count > 1 ? "one of " : "")\(names.joined(separator: ", ")), not \(name)")
    }
    for (option, options, isOwn) in [
      ("model", modelOptions, ownModel != nil), ("process", processOptions, ownProcess != nil),
      ("objective", objectiveOptions, ownObjective != nil), ("constraint", constraintOptions, constraint != nil),
      ("data", dataOptions, catalog.data.contains { $0.name == data }),
    ] where options != nil && !isOwn {
      throw RunError(
        .usage, "\(option: "\(option)-options") belongs to a \(option: option) of a program's own, and there is none")
    }
  }

  /// Writes paths from the root on, so that a run can be resumed from another folder.
  ///
  /// - Parameter catalog: what the program adds; the names of its data are no paths.
  public mutating func makePathsAbsolute(_ catalog: Catalog = .builtIn) {
    func absolute(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }
    if let data, !data.isEmpty, !catalog.namesData(data) { self.data = absolute(data) }
    if let labels, !labels.isEmpty { self.labels = absolute(labels) }
  }
}
