// The umbrella: `import ScoreKit` brings everything that a program with score models needs.
@_exported public import Datasets
@_exported public import FileSupport
@_exported public import Imaging
@_exported public import LeastSquares
@_exported public import Samplers
@_exported public import ScoreModels
@_exported public import ScoreTraining
@_exported public import Torch

extension Dataset: TrainingData {
  /// The examples at positions `[batch]`, pixels in [−1, 1].
  ///
  /// - Throws: `DataError`.
  public func batch(at positions: Tensor) throws(DataError) -> TrainingBatch {
    let (examples, labels) = try batch(positions)
    return TrainingBatch(examples: examples, labels: labels)
  }

  /// Begins to read the next batch of streamed data.
  public func prefetch(at positions: Tensor) { prefetch(positions) }
}
