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
}
