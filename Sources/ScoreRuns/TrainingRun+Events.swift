import EventFiles
internal import Imaging

extension TrainingRun {
  /// Begins a file of events if the run writes them; events of an interrupted run from the next step on become invalid.
  func makeEventFile() throws -> EventFile? {
    guard configuration.options.tensorboard else { return nil }
    return try EventFile(in: "\(path)/tensorboard", firstStep: trainer.step + 1)
  }
}

extension MetricsRecord {
  /// The values of a line of metrics, for TensorBoard.
  var events: [(tag: String, value: EventFile.Value)] {
    var values = [
      ("training/loss", loss), ("training/gradient-norm", gradientNorm), ("training/learning-rate", learningRate),
      ("training/ema-decay", emaDecay), ("training/examples-per-second", examplesPerSecond),
    ]
    if let projection {
      values += [
        ("projection/constraint-norm", projection.constraintNorm),
        ("projection/residual-norm", projection.residualNorm),
        ("projection/iterations", projection.iterations),
      ]
      values += projection.measurements.sorted { $0.key < $1.key }.map { ("projection/\($0.key)", $0.value) }
    }
    return values.map { ($0, .scalar($1)) }
  }
}

extension Evaluation {
  /// The values of an evaluation, for TensorBoard: a point of a curve for each noise level.
  var events: [(tag: String, value: EventFile.Value)] {
    levels.flatMap { level in
      [
        ("evaluation-loss/sigma-\(level.sigma)", .scalar(level.loss.value)),
        ("evaluation-nasym/sigma-\(level.sigma)", .scalar(level.nasym.value)),
      ]
    }
  }
}

extension EventFile.Value {
  /// A picture.
  static func image(_ picture: Image) throws -> Self {
    .image(
      png: try picture.pngData(), width: picture.width, height: picture.height, channels: picture.channels)
  }
}
