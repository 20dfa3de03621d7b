public import Files
public import Torch

/// Examples from which training draws batches.
public protocol TrainingData {
  /// The number of examples.
  var count: Int { get }
  /// The examples at positions `[batch]`, as `float32` `[batch, …]` in the units that the model learns, and their labels.
  ///
  /// - Throws: the reason why examples cannot be read; training stops, and the weights stay as they are.
  func batch(at positions: Tensor) throws -> TrainingBatch
  /// Announces the next batch, so that it can be read in the meantime.
  func prefetch(at positions: Tensor)
}

extension TrainingData {
  /// Does nothing, as is right for data in memory.
  public func prefetch(at positions: Tensor) {}
}

/// The examples of one training step.
public struct TrainingBatch {
  /// x₀, `[batch, …]`.
  public var examples: Tensor
  /// Class labels, `[batch]`; `nil` for data without labels.
  public var labels: Tensor?

  /// Makes a batch.
  public init(examples: Tensor, labels: Tensor? = nil) {
    self.examples = examples
    self.labels = labels
  }

  /// The batch on a device.
  public func to(_ device: Device) -> TrainingBatch {
    TrainingBatch(examples: examples.to(device), labels: labels?.to(device))
  }
}

/// Data, or a batch size, that training cannot use.
public struct TrainingDataError: Error, Equatable, CustomStringConvertible {
  /// Data, or a setting.
  public let kind: FailureKind
  /// One sentence: what is wrong.
  public let description: String

  init(_ kind: FailureKind, _ description: String) {
    self.kind = kind
    self.description = description
  }
}

/// Examples in one tensor.
public struct TensorData: TrainingData {
  /// All examples, `[count, …]`.
  public let examples: Tensor
  /// All labels, `[count]`; `nil` for data without labels.
  public let labels: Tensor?

  /// Makes data of examples and labels.
  ///
  /// - Throws: `TrainingDataError` without examples, or if there are labels and not one for each example.
  public init(_ examples: Tensor, labels: Tensor? = nil) throws(TrainingDataError) {
    if examples.elementCount == 0 || examples.rank == 0 {
      throw TrainingDataError(
        .data, "data of shape \(examples.shape) hold no examples; the first dimension counts them")
    }
    if let labels, labels.shape != [examples.size(0)] {
      throw TrainingDataError(
        .data,
        "labels of shape \(labels.shape) do not fit examples of shape \(examples.shape): each example has one label")
    }
    self.examples = examples
    self.labels = labels
  }

  /// The number of examples.
  public var count: Int { examples.size(0) }

  /// The examples at positions `[batch]`.
  public func batch(at positions: Tensor) -> TrainingBatch {
    TrainingBatch(examples: examples.gathering(positions), labels: labels?.gathering(positions))
  }
}

/// The order in which training goes through its examples.
///
/// Each epoch has a permutation that depends on the seed and the epoch alone. A resumed run therefore sees the same examples as an
/// uninterrupted one.
public struct DataOrder {
  /// The seed of the run.
  public let seed: UInt64
  /// The number of examples.
  public let count: Int
  private var epoch = -1
  private var permutation = Tensor([Int]())

  /// Makes the order for a number of examples.
  ///
  /// - Precondition: `count` is positive.
  public init(seed: UInt64, count: Int) {
    demand(count > 0, "there is no order of \(count) examples")
    self.seed = seed
    self.count = count
  }

  /// The positions of the examples that a run sees from the `start`-th on, counted from 0 through all epochs: `[length]`, as `int64`.
  ///
  /// A batch that reaches the end of an epoch continues with the next epoch, so that every example is seen equally often.
  public mutating func positions(from start: Int, length: Int) -> Tensor {
    var parts: [Tensor] = []
    var position = start
    while position < start + length {
      let offset = position % count
      let taken = min(count - offset, start + length - position)
      load(epoch: position / count)
      parts.append(permutation[offset..<(offset + taken)])
      position += taken
    }
    return parts.count == 1 ? parts[0] : .concatenate(parts)
  }

  private mutating func load(epoch: Int) {
    guard epoch != self.epoch else { return }
    var generator = RandomGenerator(seed: seed, purpose: .dataOrder, index: UInt64(epoch))
    permutation = generator.uniform([count], dtype: .float64).argsort()
    self.epoch = epoch
  }
}
