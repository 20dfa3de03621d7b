public import Torch

/// A table with a vector for each integer.
public struct Embedding: Module {
  /// `[count, features]`.
  public let weight: Parameter

  /// Makes a table of standard normal numbers, as PyTorch does.
  public init(_ count: Int, _ features: Int, using generator: inout RandomGenerator) {
    weight = Parameter(generator.normal([count, features]))
  }

  /// The vectors `[batch, features]` of integers `[batch]`.
  public func callAsFunction(_ indices: Tensor) -> Tensor { weight.value.gathering(indices) }

  /// The vectors of class labels `[batch]`; without labels, the table's last vector for each, which stands for "no label".
  func callAsFunction(labels: Tensor?, count: Int, on device: Device) -> Tensor {
    let unlabelled = Double(weight.shape[0] - 1)
    return self((labels ?? .full([count], unlabelled, dtype: .int64)).to(device))
  }
}
