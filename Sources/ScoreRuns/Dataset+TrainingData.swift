public import Datasets
public import Files
public import ScoreTraining
public import Torch

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
