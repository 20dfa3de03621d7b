import LeastSquares
import TestSupport
import Testing
import Torch

/// An operator to try, as a function of its parameters.
struct OperatorCase: CustomTestStringConvertible, Sendable {
  let testDescription: String
  /// The shapes of the parameters.
  let shapes: [[Int]]
  private let build: @Sendable ([Tensor]) throws -> any LinearOperator

  init(_ name: String, _ shapes: [[Int]], _ build: @escaping @Sendable ([Tensor]) throws -> any LinearOperator) {
    testDescription = name
    self.shapes = shapes
    self.build = build
  }

  /// The operator with parameters drawn at random; as variables if gradients are wanted for them.
  func make(_ dtype: DType = .float64, variables: Bool = false) throws -> any LinearOperator {
    var generator = RandomGenerator(seed: 7, purpose: .data)
    let parameters = shapes.map { generator.normal($0, dtype: .float64).to(dtype) * 0.7 }
    return try build(variables ? parameters.map { $0.variable() } : parameters)
  }

  /// Each operator type, tall and wide where that makes a difference.
  static let all: [OperatorCase] = [
    OperatorCase("a tall matrix", [[5, 3]]) { MatrixOperator($0[0]) },
    OperatorCase("a wide matrix", [[2, 4]]) { MatrixOperator($0[0]) },
    OperatorCase("a function with its adjoint", [[4]]) { weightedDifferences($0[0], knowsAdjoint: true) },
    OperatorCase("a function without its adjoint", [[4]]) { weightedDifferences($0[0], knowsAdjoint: false) },
    OperatorCase("a function that returns a part of its argument", []) { _ in
      FunctionOperator(rows: 3, columns: 5) { x, _ in x[1..<4] }
    },
    OperatorCase("the Jacobian of an MLP in its input", [[2, 3], [4, 3], [4], [2, 4]]) {
      try JacobianOperator(at: [$0[0]], parameters: Array($0[1...])) { mlp($0[0], $1) }
    },
    OperatorCase("the Jacobian of an MLP in its weights", [[4, 3], [4], [2, 4], [2, 3]]) {
      try JacobianOperator(at: Array($0[..<3]), parameters: [$0[3]]) { mlp($1[0], $0) }
    },
    OperatorCase("the Jacobian of a conv network", [[1, 2, 4, 3], [3, 2, 3, 3], [3], [1, 3, 3, 3]]) {
      try JacobianOperator(at: [$0[0]], parameters: Array($0[1...])) { convNetwork($0[0], $1) }
    },
    OperatorCase("sparse rows, one of them empty and one column too", [[6]]) {
      try SparseOperator(
        rowOffsets: [0, 2, 2, 5, 6], columnIndices: [0, 3, 1, 3, 4, 0], values: $0[0], columns: 6)
    },
    OperatorCase("sparse elements in any order, two at one place", [[5]]) {
      try SparseOperator(
        rowIndices: [2, 0, 1, 2, 0], columnIndices: [1, 2, 0, 1, 0], values: $0[0], rows: 3, columns: 3)
    },
    OperatorCase("a diagonal", [[4]]) { DiagonalOperator($0[0]) },
    OperatorCase("a transposed matrix", [[5, 3]]) { TransposedOperator(of: MatrixOperator($0[0])) },
    OperatorCase("a transposed function without adjoint", [[4]]) {
      TransposedOperator(of: weightedDifferences($0[0], knowsAdjoint: false))
    },
    OperatorCase("a transposed Jacobian", [[2, 3], [4, 3], [4], [2, 4]]) {
      TransposedOperator(of: try JacobianOperator(at: [$0[0]], parameters: Array($0[1...])) { mlp($0[0], $1) })
    },
    OperatorCase("a scaled matrix", [[1], [3, 2]]) { ScaledOperator(MatrixOperator($0[1]), by: $0[0]) },
    OperatorCase("a matrix after a function", [[2, 4], [4]]) {
      ComposedOperator(MatrixOperator($0[0]), weightedDifferences($0[1], knowsAdjoint: false))
    },
    OperatorCase("a stack of a matrix, a diagonal and sparse rows", [[2, 3], [3], [2]]) {
      StackedOperator([
        MatrixOperator($0[0]), DiagonalOperator($0[1]),
        try SparseOperator(rowOffsets: [0, 1, 2], columnIndices: [2, 0], values: $0[2], columns: 3),
      ])
    },
    OperatorCase("a matrix and a diagonal beside each other, scaled", [[], [3, 2], [3]]) {
      ScaledOperator(
        TransposedOperator(
          of: StackedOperator([TransposedOperator(of: MatrixOperator($0[1])), DiagonalOperator($0[2])])),
        by: $0[0])
    },
    OperatorCase("a type that knows its product alone", [[3, 4], [4]]) {
      OneWayOperator(matrix: $0[0], scales: $0[1])
    },
  ]
}

/// W·diag(s), of which only the product is written.
private struct OneWayOperator: LinearOperator {
  let matrix: Tensor
  let scales: Tensor

  var rows: Int { matrix.size(0) }
  var columns: Int { matrix.size(1) }
  var parameters: [Tensor] { [matrix, scales] }

  func apply(_ x: Tensor, _ parameters: [Tensor]) throws -> Tensor { parameters[0].matmul(parameters[1] * x) }
}

/// x ↦ (wᵢ·(xᵢ₊₁ − xᵢ))ᵢ.
private func weightedDifferences(_ weights: Tensor, knowsAdjoint: Bool) -> FunctionOperator {
  let n = weights.elementCount
  func adjoint(_ y: Tensor, _ parameters: [Tensor]) -> Tensor {
    let (flow, end) = (parameters[0] * y, Tensor.zeros([1], dtype: y.dtype))
    return .concatenate([end, flow]) - .concatenate([flow, end])
  }
  return FunctionOperator(
    rows: n, columns: n + 1, parameters: [weights], productCost: Double(n), adjoint: knowsAdjoint ? adjoint : nil
  ) { x, parameters in parameters[0] * (x[1..<(n + 1)] - x[0..<n]) }
}

/// Two layers.
private func mlp(_ x: Tensor, _ weights: [Tensor]) -> Tensor {
  x.linear(weight: weights[0], bias: weights[1]).silu().linear(weight: weights[2], bias: nil)
}

/// Two convolutions with a normalisation between them.
private func convNetwork(_ x: Tensor, _ weights: [Tensor]) -> Tensor {
  x.conv2d(weight: weights[0], bias: weights[1], padding: 1)
    .groupNorm(groups: 1, weight: nil, bias: nil).tanh().conv2d(weight: weights[2], bias: nil, padding: 1)
}

// Tests show a problem by its sizes.
extension Problem: CustomTestStringConvertible {}
