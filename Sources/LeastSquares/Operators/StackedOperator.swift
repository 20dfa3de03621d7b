internal import Files
public import Torch

/// Operators with the same number of columns, one below the other: x ↦ (A₁·x, A₂·x, …).
///
/// For operators beside each other, transpose the stack of their transposes.
public struct StackedOperator: LinearOperator {
  private let parts: [any LinearOperator]

  /// Makes a stack of at least one operator.
  ///
  /// - Precondition: all have the same number of columns.
  public init(_ parts: [any LinearOperator]) {
    demand(
      !parts.isEmpty && parts.allSatisfy { $0.columns == parts[0].columns },
      "operators with \(parts.map(\.columns)) columns cannot be stacked")
    self.parts = parts
  }

  /// The sum of the parts' rows.
  public var rows: Int { parts.reduce(0) { $0 + $1.rows } }
  /// The columns of each part.
  public var columns: Int { parts[0].columns }
  /// The parameters of the parts, in order.
  public var parameters: [Tensor] { parts.flatMap(\.parameters) }
  /// The sum of the parts' costs.
  public var productCost: Double { parts.reduce(0) { $0 + $1.productCost } }
  /// The products of the parts, joined to one vector.
  public func apply(_ x: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    Tensor.concatenate(try zip(parts, slices(parameters)).map { try $0.apply(x, $1) })
  }
  /// The sum of the adjoint products of the parts.
  public func applyAdjoint(_ y: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    let vectors = y.split(parts.map(\.rows))
    var sum: Tensor?
    for ((part, vector), slice) in zip(zip(parts, vectors), slices(parameters)) {
      let product = try part.applyAdjoint(vector, slice)
      sum = sum.map { $0 + product } ?? product
    }
    return sum ?? Tensor.zeros([columns], dtype: y.dtype, device: y.device)
  }
  /// The sum of the pairings of the parts.
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
