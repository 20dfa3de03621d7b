internal import Files
public import ScoreModels
public import ScoreTraining

// How a program chooses things of its own, with their configurations. What it does not change stays as it is, so that the
// options of a resumed run pass through unharmed.
extension RunConfiguration {
  /// Chooses a model and changes its configuration, which begins with the present one of that model or with its defaults.
  ///
  /// - Throws: `ConfigurableError` if the present configuration is of another kind.
  public mutating func use<Model: ConfigurableScoreModel>(
    _ type: Model.Type, _ change: (inout Model.Configuration) -> Void = { _ in }
  ) throws {
    modelOptions = try changed(type, model == .own(type.name) ? modelOptions : nil, change)
    model = .own(type.name)
  }

  /// Chooses a process and changes its configuration.
  ///
  /// - Throws: as for a model.
  public mutating func use<Process: ConfigurableProcess>(
    _ type: Process.Type, _ change: (inout Process.Configuration) -> Void = { _ in }
  ) throws {
    processOptions = try changed(type, process == .own(type.name) ? processOptions : nil, change)
    process = .own(type.name)
  }

  /// Chooses an objective and changes its configuration.
  ///
  /// - Throws: as for a model.
  public mutating func use<Objective: ConfigurableObjective>(
    _ type: Objective.Type, _ change: (inout Objective.Configuration) -> Void = { _ in }
  ) throws {
    objectiveOptions = try changed(type, objective == .own(type.name) ? objectiveOptions : nil, change)
    objective = .own(type.name)
  }

  /// Chooses a constraint and changes its configuration.
  ///
  /// - Throws: as for a model.
  public mutating func use<Constraint: ConfigurableConstraint>(
    _ type: Constraint.Type, _ change: (inout Constraint.Configuration) -> Void = { _ in }
  ) throws {
    constraintOptions = try changed(type, constraint == type.name ? constraintOptions : nil, change)
    constraint = type.name
  }

  /// Chooses data and changes their configuration.
  ///
  /// - Throws: as for a model.
  public mutating func use<Data: ConfigurableData>(
    _ type: Data.Type, _ change: (inout Data.Configuration) -> Void = { _ in }
  ) throws {
    dataOptions = try changed(type, data == type.name ? dataOptions : nil, change)
    data = type.name
  }

  private func changed<Type: Configurable>(
    _ type: Type.Type, _ options: JSONValue?, _ change: (inout Type.Configuration) -> Void
  ) throws -> JSONValue {
    var configuration = try type.configuration(from: options)
    change(&configuration)
    return try JSONValue(encoding: configuration)
  }
}
