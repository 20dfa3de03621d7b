import ScoreKit
import ScoreTestSupport
import Testing

/// x ↦ W·x, right or with one mistake.
private struct Matrix: LinearOperator {
  enum Mistake { case none, adjoint, affine, rows, type, matrix, pairing, derivative }

  var mistake = Mistake.none
  let weights = Tensor([1.0, 2, -1, 0.5, 3, 1], shape: [3, 2]).variable()

  var rows: Int { mistake == .rows ? 4 : 3 }
  var columns: Int { 2 }
  var parameters: [Tensor] { [weights] }

  func apply(_ x: Tensor, _ parameters: [Tensor]) -> Tensor {
    let weights = (mistake == .derivative ? parameters[0].detached() : parameters[0]).to(x.dtype)
    let product = weights.matmul(x)
    return switch mistake {
    case .affine: product + 1e-3
    case .type: product.to(.float32)
    default: product
    }
  }

  func applyAdjoint(_ y: Tensor, _ parameters: [Tensor]) -> Tensor {
    if mistake == .rows { return Tensor.zeros([2], dtype: y.dtype) }
    return parameters[0].to(y.dtype).transposed().matmul(y) * (mistake == .adjoint ? 2 : 1)
  }

  func pairing(_ y: Tensor, _ x: Tensor, _ parameters: [Tensor]) -> Tensor {
    y.dot(apply(x, parameters)) * (mistake == .pairing ? 2 : 1)
  }

  func matrix(like vector: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    (mistake == .matrix ? -parameters[0] : parameters[0]).detached().to(vector.dtype)
  }
}

/// The direct solver with one mistake.
private struct Solver: LeastSquaresSolver {
  enum Mistake { case none, damping, start, early, prepare, accepts, deficient }

  var mistake = Mistake.none

  func solve(
    _ a: any LinearOperator, _ b: Tensor, damping: Double, from x0: Tensor?
  ) throws -> LeastSquaresSolution {
    switch mistake {
    case .damping: return try DenseSolver().solve(a, b, damping: 0, from: x0)
    case .start: return try DenseSolver().solve(a, b, damping: damping, from: nil)
    case .early: return try LSMR(tolerance: 1e-15, iterationLimit: 2).solve(a, b, damping: damping, from: x0)
    case .accepts where !b.allFinite:
      return try DenseSolver().solve(a, .zeros(like: b), damping: damping, from: x0)
    case .deficient where damping == 0 && x0 == nil:
      // Any minimiser instead of the one of least norm.
      return try DenseSolver().solve(a, b, damping: 0, from: .ones([a.columns], dtype: b.dtype))
    default: return try DenseSolver().solve(a, b, damping: damping, from: x0)
    }
  }

  func prepare(_ a: any LinearOperator, like vector: Tensor) throws -> any PreparedLeastSquares {
    try DenseSolver().prepare(
      mistake == .prepare ? ScaledOperator(a, by: Tensor(2, dtype: vector.dtype)) : a, like: vector)
  }
}

@Suite struct BrokenLeastSquaresTests {
  @Test(arguments: [DType.float64, .float32]) func wrongOperatorsAreFound(_ dtype: DType) throws {
    try expectOperatorLaws(of: Matrix(), dtype: dtype)
    for (mistake, words) in [
      (.adjoint, "both products are each other's adjoint"), (.affine, "A·x is linear"),
      (.rows, "products have the shapes"), (.matrix, "the matrix consists of products"),
      (.pairing, "the pairing is ⟨y, A·x⟩"),
    ] as [(Matrix.Mistake, String)] {
      expectViolation(of: words) { try expectOperatorLaws(of: Matrix(mistake: mistake), dtype: dtype) }
    }
  }

  @Test func operatorsWithWrongDerivativesAreFound() {
    expectViolation(of: "products have the shapes") { try expectOperatorLaws(of: Matrix(mistake: .type)) }
    expectViolation(of: "derivatives of A·x match differences") {
      try expectOperatorLaws(of: Matrix(mistake: .derivative))
    }
  }

  @Test func wrongSolversAreFound() throws {
    try expectSolverLaws(of: Solver())
    for (mistake, words) in [
      (.damping, "a solution is the dense one"), (.start, "nearest to the start"), (.early, "the solver stopped early"),
      (.prepare, "a prepared operator has the same solutions"), (.accepts, "wrong input is refused"),
      (.deficient, "of rank 2, damping 0.0: x"),
    ] as [(Solver.Mistake, String)] {
      expectViolation(of: words) { try expectSolverLaws(of: Solver(mistake: mistake)) }
    }
  }
}
