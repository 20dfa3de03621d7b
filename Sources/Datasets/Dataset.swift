public import Torch

/// Examples to learn from, with or without labels, in memory.
public struct Dataset {
  /// What the data are called: a built-in name, or the last part of a path.
  public let name: String
  /// Points as `float32` of shape `[count, dimensions]`, or pictures as `uint8` of shape
  /// `[count, channels, height, width]`.
  public let examples: Tensor
  /// The class of each example, as `int64` of shape `[count]`.
  public let labels: Tensor?
  /// The number of classes: one more than the largest label; 0 without labels.
  public let classCount: Int

  /// Makes data from tensors.
  ///
  /// - Precondition: there are examples in one of the two forms; labels are as many, of type `int64` and not negative.
  public init(name: String, examples: Tensor, labels: Tensor? = nil) {
    let shape = examples.shape
    precondition(
      shape.count == 2 && examples.dtype == .float32 || shape.count == 4 && examples.dtype == .uint8,
      "examples are float32[count, dimensions] or uint8[count, channels, height, width], not \(examples.dtype)\(shape)")
    precondition(shape.allSatisfy { $0 > 0 }, "data of shape \(shape) are empty")
    if let labels {
      precondition(
        labels.dtype == .int64 && labels.shape == [shape[0]],
        "the labels of \(shape[0]) examples are int64[\(shape[0])], not \(labels.dtype)\(labels.shape)")
      precondition(labels.min().item() >= 0, "labels are not negative")
    }
    self.name = name
    self.examples = examples
    self.labels = labels
    classCount = labels.map { Int($0.max().item()) + 1 } ?? 0
  }

  /// The number of examples.
  public var count: Int { examples.size(0) }

  /// The shape of one example.
  public var exampleShape: [Int] { Array(examples.shape.dropFirst()) }

  /// Whether the examples are pictures.
  public var isImages: Bool { examples.dtype == .uint8 }

  /// Some examples as `float32`, pictures in [−1, 1], and their labels.
  ///
  /// - Parameter indices: an `int64` vector of positions in `0 ..< count`.
  public func batch(_ indices: Tensor) -> (examples: Tensor, labels: Tensor?) {
    (values(of: examples.gathering(indices)), labels?.gathering(indices))
  }

  /// The standard deviation of all values around their common mean, after the conversion to [−1, 1] where it applies.
  ///
  /// This is the σ_data of Karras, Aittala, Aila & Laine (2022), *Elucidating the design space of diffusion-based
  /// generative models*, arXiv 2206.00364. Every call goes twice through the data, in parts.
  public var standardDeviation: Double {
    let total = Double(examples.elementCount)
    let mean = sum { $0 } / total
    return (sum { ($0 - mean).square() } / total).squareRoot()
  }

  /// The sum of a function of all values, in double precision and without converting all data at once.
  private func sum(_ function: (Tensor) -> Tensor) -> Double {
    let length = max(1, (1 << 20) * count / examples.elementCount)
    return stride(from: 0, to: count, by: length).reduce(0) { total, start in
      total + function(values(of: examples[start..<min(start + length, count)]).to(.float64)).sum().item()
    }
  }

  private func values(of examples: Tensor) -> Tensor { isImages ? Pixels.values(of: examples) : examples }
}
