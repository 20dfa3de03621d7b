public import Torch

/// Aᵀ: the two products change places.
public struct TransposedOperator: LinearOperator {
  private let base: any LinearOperator

  /// Makes the transpose of an operator.
  public init(of base: any LinearOperator) { self.base = base }

  /// The columns of the base.
  public var rows: Int { base.columns }
  /// The rows of the base.
  public var columns: Int { base.rows }
  /// Those of the base.
  public var parameters: [Tensor] { base.parameters }
  /// That of the base.
  public var productCost: Double { base.productCost }
  /// The adjoint product of the base.
  public func apply(_ x: Tensor, _ parameters: [Tensor]) throws -> Tensor { try base.applyAdjoint(x, parameters) }
  /// The product of the base.
  public func applyAdjoint(_ y: Tensor, _ parameters: [Tensor]) throws -> Tensor { try base.apply(y, parameters) }
  /// That of the base with x and y exchanged.
  public func pairing(_ y: Tensor, _ x: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    try base.pairing(x, y, parameters)
  }
  /// The transpose of the base's matrix.
  public func matrix(like vector: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    try base.matrix(like: vector, parameters).transposed()
  }
}

/// c·A for a number c that is a parameter.
public struct ScaledOperator: LinearOperator {
  private let base: any LinearOperator
  private let factor: Tensor

  /// Makes a multiple of an operator; the factor has one element.
  public init(_ base: any LinearOperator, by factor: Tensor) {
    precondition(factor.elementCount == 1, "an operator is scaled by one number, not by \(factor.shape)")
    self.base = base
    self.factor = factor
  }

  /// Those of the base.
  public var rows: Int { base.rows }
  /// Those of the base.
  public var columns: Int { base.columns }
  /// The factor, then those of the base.
  public var parameters: [Tensor] { [factor] + base.parameters }
  /// That of the base.
  public var productCost: Double { base.productCost }
  /// c·(A·x).
  public func apply(_ x: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    try base.apply(x, Array(parameters.dropFirst())) * parameters[0].reshaped([]).to(x.dtype)
  }
  /// c·(Aᵀ·y).
  public func applyAdjoint(_ y: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    try base.applyAdjoint(y, Array(parameters.dropFirst())) * parameters[0].reshaped([]).to(y.dtype)
  }
  /// c times the base's matrix.
  public func matrix(like vector: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    try withoutGradients {
      try base.matrix(like: vector, Array(parameters.dropFirst())) * parameters[0].reshaped([]).to(vector.dtype)
    }
  }
}

/// A diagonal matrix; its one parameter is the diagonal.
public struct DiagonalOperator: LinearOperator {
  private let diagonal: Tensor

  /// Makes an operator that multiplies elementwise by a vector.
  public init(_ diagonal: Tensor) {
    precondition(diagonal.rank == 1, "a diagonal is a vector, not a tensor of shape \(diagonal.shape)")
    self.diagonal = diagonal
  }

  /// The length of the diagonal.
  public var rows: Int { diagonal.elementCount }
  /// The length of the diagonal.
  public var columns: Int { diagonal.elementCount }
  /// The diagonal.
  public var parameters: [Tensor] { [diagonal] }
  /// The length of the diagonal.
  public var productCost: Double { Double(rows) }
  /// d·x.
  public func apply(_ x: Tensor, _ parameters: [Tensor]) throws -> Tensor { parameters[0] * x }
  /// d·y.
  public func applyAdjoint(_ y: Tensor, _ parameters: [Tensor]) throws -> Tensor { parameters[0] * y }
}

/// A·B: first B, then A.
public struct ComposedOperator: LinearOperator {
  private let outer: any LinearOperator
  private let inner: any LinearOperator
  private let outerCount: Int

  /// Makes the product of two operators.
  ///
  /// - Precondition: `outer.columns` is `inner.rows`.
  public init(_ outer: any LinearOperator, _ inner: any LinearOperator) {
    precondition(
      outer.columns == inner.rows,
      "an operator of \(outer.columns) columns does not follow one of \(inner.rows) rows")
    self.outer = outer
    self.inner = inner
    outerCount = outer.parameters.count
  }

  /// Those of A.
  public var rows: Int { outer.rows }
  /// Those of B.
  public var columns: Int { inner.columns }
  /// Those of A, then those of B.
  public var parameters: [Tensor] { outer.parameters + inner.parameters }
  /// The sum of both.
  public var productCost: Double { outer.productCost + inner.productCost }
  /// A·(B·x).
  public func apply(_ x: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    try outer.apply(
      inner.apply(x, Array(parameters[outerCount...])), Array(parameters[..<outerCount]))
  }
  /// Bᵀ·(Aᵀ·y).
  public func applyAdjoint(_ y: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    try inner.applyAdjoint(
      outer.applyAdjoint(y, Array(parameters[..<outerCount])), Array(parameters[outerCount...]))
  }
}

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

  private func slices(_ parameters: [Tensor]) -> [[Tensor]] {
    var start = 0
    return parts.map { part in
      defer { start += part.parameters.count }
      return Array(parameters[start..<(start + part.parameters.count)])
    }
  }
}
