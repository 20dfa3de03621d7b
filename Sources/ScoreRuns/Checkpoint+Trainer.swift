public import Checkpoints
public import ScoreTraining

/// Training that is saved and resumed without a run.
///
/// ```swift
/// try folder.write(Checkpoint(trainer.state, configuration: sizes), keeping: 3)
/// if let saved = try folder.readLatest(as: Sizes.self) { try trainer.restore(saved) }
/// ```
extension Checkpoint {
  /// Makes a checkpoint of a trainer's state.
  ///
  /// - Parameters:
  ///   - state: the state.
  ///   - configuration: what a program needs to build the same model again.
  public init(_ state: Trainer.State, configuration: Configuration) {
    self.init(
      step: state.step, configuration: configuration, model: state.model, average: state.average,
      optimizer: state.optimizer)
  }

  /// The state from which a trainer continues exactly.
  public var trainerState: Trainer.State {
    Trainer.State(step: step, model: model, average: average, optimizer: optimizer)
  }
}

extension Trainer {
  /// Continues from a checkpoint.
  ///
  /// The trainer needs the same model, data, objective, optimizer and settings as the one that was saved.
  ///
  /// - Throws: `StateMismatch` or `OptimizerStateError` if the checkpoint belongs to another model or optimizer, is not finite, or was
  ///   read without the optimizer's state (`.weights`); the trainer is then as it was.
  public func restore<Configuration>(_ checkpoint: Checkpoint<Configuration>) throws {
    try restore(checkpoint.trainerState)
  }
}
