extension TrainingRun {
  /// The file of the evaluation at the end of the training.
  var evaluationPath: String { "\(path)/evaluation.json" }

  /// Evaluates the averaged weights on some of the training data, without the likelihood, and writes `evaluation.json`.
  ///
  /// It is a function of the weights and the configuration. Costs about as much as 20 training steps, or as a fiftieth of
  /// the training where that is less; the number of examples, from 8 to 256, is chosen for that.
  ///
  /// - Throws: `FileError`, and as `Evaluator.evaluation`.
  public func writeEvaluation() throws -> Evaluation {
    let steps = max(1, min(20, (configuration.steps ?? 0) / 50))
    let isSmall = record.model.shape.reduce(1, *) <= 16
    // With one probe, an example at six noise levels costs about as much as 20 examples of a training step.
    let count = min(256, max(8, steps * (configuration.batchSize ?? 1) / 20))
    let evaluator = Evaluator(
      count: count, probeCount: isSmall ? nil : 1, measuresLikelihood: false, seed: configuration.seed)
    let evaluation = try trainer.withAveragedWeights {
      try evaluator.evaluation(
        of: trainer.model, record: record, step: trainer.step, isAverage: true, on: dataset,
        source: configuration.data ?? dataset.name)
    }
    try AtomicFile.write(try evaluation.encoded(), to: evaluationPath)
    return evaluation
  }

  /// Evaluates at the end of the training; a model that cannot be evaluated is still one that was trained.
  func evaluate(_ observe: (Event) throws -> Void) throws {
    do {
      try observe(.evaluation(writeEvaluation(), path: evaluationPath))
    } catch let error as ConservativenessError {
      try observe(.noEvaluation(reason: error.description))
    } catch let error as RunError {
      try observe(.noEvaluation(reason: error.description))
    }
  }
}
