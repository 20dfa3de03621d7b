public import ScoreModels

/// An objective of a program's own that runs know by name.
public protocol ConfigurableObjective: ScoreObjective, Configurable {
  /// Makes the objective.
  ///
  /// - Parameters:
  ///   - configuration: its configuration.
  ///   - context: what the model is made for.
  ///   - denoising: the noise levels and weights that the run's options ask for. An objective that draws noise levels
  ///     should take them from here.
  /// - Throws: an error whose description is one sentence, if there is no such objective.
  init(_ configuration: Configuration, for context: ModelContext, denoising: DenoisingScoreMatching) throws
}

/// What a constraint is made for.
public struct ConstraintContext {
  /// The model that is trained; the constraint is about its parameters.
  public let model: any ScoreModel
  /// The process whose scores the model learns.
  public let process: any DiffusionProcess
  /// The examples.
  public let data: any TrainingData
  /// The number of training steps.
  public let steps: Int
  /// The seed of everything random.
  public let seed: UInt64

  /// Collects what is known.
  public init(
    model: any ScoreModel, process: any DiffusionProcess, data: any TrainingData, steps: Int, seed: UInt64
  ) {
    self.model = model
    self.process = process
    self.data = data
    self.steps = steps
    self.seed = seed
  }
}

/// A constraint of a program's own that runs know by name.
public protocol ConfigurableConstraint: Constraint, Configurable {
  /// Makes the constraint.
  ///
  /// - Throws: an error whose description is one sentence, if it cannot be imposed on the model.
  init(_ configuration: Configuration, for context: ConstraintContext) throws
  /// When updates are projected, and how far; by default at each step, by half of the violation.
  var schedule: NullSpaceProjected<Adam>.Schedule { get }
}

extension ConfigurableConstraint {
  /// Each step, by half of the violation.
  public var schedule: NullSpaceProjected<Adam>.Schedule { NullSpaceProjected<Adam>.Schedule() }
}

extension Catalog {
  /// The objectives.
  public var objectives: [any ConfigurableObjective.Type] {
    entries.compactMap { $0 as? any ConfigurableObjective.Type }
  }
  /// The constraints.
  public var constraints: [any ConfigurableConstraint.Type] {
    entries.compactMap { $0 as? any ConfigurableConstraint.Type }
  }
}
