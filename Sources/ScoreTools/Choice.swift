import ArgumentParser
import ScoreKit

/// The names that an option takes, with what they stand for.
protocol NameList {
  associatedtype Value
  /// The names, in the order in which they are shown.
  static var values: [(name: String, value: Value)] { get }
}

/// The value of an option that takes one of a list of names, which a program can add to.
struct Choice<Names: NameList>: ExpressibleByArgument {
  let value: Names.Value

  init?(argument: String) {
    guard let match = Names.values.first(where: { $0.name == argument }) else { return nil }
    value = match.value
  }

  static var allValueStrings: [String] { Names.values.map(\.name) }
  static var defaultCompletionKind: CompletionKind { .list(allValueStrings) }
}

/// The built-in values of an enumeration, and those with the names that a program adds.
private func values<Value: CaseIterable & RawRepresentable<String>>(
  _ type: Value.Type, _ own: [any Configurable.Type]
) -> [(name: String, value: Value)] {
  Value.allCases.map { ($0.rawValue, $0) }
    + own.compactMap { entry in Value(rawValue: entry.name).map { (entry.name, $0) } }
}

/// The networks.
enum ModelNames<Tools: ToolSet>: NameList {
  static var values: [(name: String, value: RunConfiguration.Model)] {
    ScoreTools.values(RunConfiguration.Model.self, Tools.catalog.models)
  }
}

/// The processes.
enum ProcessNames<Tools: ToolSet>: NameList {
  static var values: [(name: String, value: ProcessConfiguration.Kind)] {
    ScoreTools.values(ProcessConfiguration.Kind.self, Tools.catalog.processes)
  }
}

/// The objectives.
enum ObjectiveNames<Tools: ToolSet>: NameList {
  static var values: [(name: String, value: RunConfiguration.Objective)] {
    ScoreTools.values(RunConfiguration.Objective.self, Tools.catalog.objectives)
  }
}

/// The constraints, all of which a program adds.
enum ConstraintNames<Tools: ToolSet>: NameList {
  static var values: [(name: String, value: String)] { Tools.catalog.constraints.map { ($0.name, $0.name) } }
}
