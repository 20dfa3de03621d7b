public import Torch

/// Operators with the same columns, one below the other: x ↦ (A₁·x, A₂·x, …).
///
/// Beside each other they are the transpose of the stack of their transposes.
public struct StackedOperator: LinearOperator {
  private let parts: [any LinearOperator]

  /// Makes a stack of at least one operator.
  ///
  /// - Precondition: all have the same number of columns.
  public init(_ parts: [any LinearOperator]) {
    precondition(
      !parts.isEmpty && parts.allSatisfy { $0.columns == parts[0].columns },
      "operators with \(parts.map(\.columns)) columns cannot be stacked")
    self.parts = parts
  }

  /// The sum of the parts' rows.
  public var rows: Int { parts.reduce(0) { $0 + $1.rows } }
  /// The parts' columns.
  public var columns: Int { parts[0].columns }
  /// Those of the parts, in order.
  public var parameters: [Tensor] { parts.flatMap(\.parameters) }
  /// The sum over the parts.
  public var productCost: Double { parts.reduce(0) { $0 + $1.productCost } }
  /// The parts' products, joined.
  public func apply(_ x: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    Tensor.concatenate(try zip(parts, slices(parameters)).map { try $0.apply(x, $1) })
  }
  /// The sum of the parts' adjoint products.
  public func applyAdjoint(_ y: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    let vectors = y.split(parts.map(\.rows))
    var sum: Tensor?
    for ((part, vector), slice) in zip(zip(parts, vectors), slices(parameters)) {
      let product = try part.applyAdjoint(vector, slice)
      sum = sum.map { $0 + product } ?? product
    }
    return sum ?? Tensor.zeros([columns], dtype: y.dtype, device: y.device)
  }
  /// The sum of the parts' pairings.
  public func pairing(_ y: Tensor, _ x: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    try zip(zip(parts, y.split(parts.map(\.rows))), slices(parameters)).map { part, slice in
      try part.0.pairing(part.1, x, slice)
    }.reduce(Tensor(0, dtype: x.dtype).to(x.device), +)
  }

  private func slices(_ parameters: [Tensor]) -> [[Tensor]] {
    var start = 0
    return parts.map { part in
      defer { start += part.parameters.count }
      return Array(parameters[start..<(start + part.parameters.count)])
    }
  }
}
