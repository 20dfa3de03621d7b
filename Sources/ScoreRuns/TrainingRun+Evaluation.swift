import EventFiles
internal import Files
internal import ScoreMetrics

extension TrainingRun {
  /// The file of the evaluation at the end of the training.
  var evaluationPath: String { "\(path)/evaluation.json" }

  /// Evaluates the averaged weights on some of the training data, without the likelihood, and writes `evaluation.json`.
  ///
  /// The result depends only on the weights and the configuration. The number of examples, from 8 to 256, is chosen so
  /// that the evaluation costs about as much as 20 training steps, or as 2 % of the training if that is less.
  ///
  /// - Parameter observe: as for `Evaluator.evaluation`; if it throws, the file does not change.
  /// - Throws: `FileError`, and as `Evaluator.evaluation`.
  public func writeEvaluation(
    observe: ((_ stage: Evaluator.Stage, _ share: Double) throws -> Void)? = nil
  ) throws -> Evaluation {
    let steps = max(1, min(20, configuration.steps / 50))
    let isSmall = record.model.shape.reduce(1, *) <= 16
    // With one probe, an example at six noise levels costs about as much as 20 examples of a training step.
    let count = min(256, max(8, steps * configuration.batchSize / 20))
    let evaluator = Evaluator(
      count: count, probeCount: isSmall ? nil : 1, measuresLikelihood: false, seed: configuration.options.seed)
    let evaluation = try trainer.withAveragedWeights {
      try evaluator.evaluation(
        of: trainer.model, process: trainer.process, record: record, step: trainer.step, isAverage: true, on: dataset,
        source: configuration.data, observe: observe)
    }
    try AtomicFile.write(try evaluation.encoded(), to: evaluationPath)
    return evaluation
  }

  /// The evaluation of the present step, if the file contains it.
  var presentEvaluation: Evaluation? {
    (try? Evaluation(contentsOf: evaluationPath)).flatMap { $0.model.step == trainer.step ? $0 : nil }
  }

  /// Records an evaluation for TensorBoard, if the process that wrote it was killed before it recorded it.
  func appendIfMissing(_ evaluation: Evaluation, to events: EventFile?) throws {
    guard let events, let tag = evaluation.events.first?.tag else { return }
    if try !events.holdsEarlier(tag: tag, step: trainer.step) {
      try events.append(evaluation.events, step: trainer.step)
    }
  }

  /// Evaluates at the end of the training; if the evaluation fails, the training is still complete.
  ///
  /// - Parameter shouldStop: called before the first and after each batch; if it returns `true`, nothing is written.
  func evaluate(shouldStop: () -> Bool, _ observe: (Event) throws -> Void) throws -> Outcome {
    if shouldStop() { return .stopped(step: trainer.step) }
    do {
      let evaluation = try unlessStopped(shouldStop) { check in try writeEvaluation { _, _ in try check() } }
      guard let evaluation else { return .stopped(step: trainer.step) }
      try observe(.evaluation(evaluation, path: evaluationPath))
    } catch let error as ConservativenessError {
      try observe(.noEvaluation(reason: error.description))
    } catch let error as RunError {
      try observe(.noEvaluation(reason: error.description))
    }
    return .finished
  }
}
