internal import Files
package import Torch

/// A least-squares problem of known shape and rank, in `float64`.
package struct Problem: Sendable {
  package var rows: Int
  package var columns: Int
  package var rank: Int
  package var damping: Double = 0

  package init(rows: Int, columns: Int, rank: Int, damping: Double = 0) {
    self.rows = rows
    self.columns = columns
    self.rank = rank
    self.damping = damping
  }

  /// The name of the problem in tests.
  package var testDescription: String { "\(rows)×\(columns) of rank \(rank), damping \(damping)" }

  /// Tall, wide and square; of full and deficient rank; damped and not.
  ///
  /// Damping as small as 1e-6 makes the derivative of a rank-deficient problem as large as 1e12, of which double precision keeps
  /// no more than 1e-4; it is tried with full rank.
  package static let grid = [(7, 4), (4, 7), (5, 5)].flatMap { rows, columns in
    [min(rows, columns), 2].flatMap { rank in
      [0, 1e-6, 1e-3, 0.1, 1].map { Problem(rows: rows, columns: columns, rank: rank, damping: $0) }
        .filter { $0.damping != 1e-6 || rank == min(rows, columns) }
    }
  }

  /// Orthonormal columns from the Gram–Schmidt process on random ones.
  package static func orthonormal(_ rows: Int, _ columns: Int, using generator: inout RandomGenerator) -> Tensor {
    guard let (u, _, _) = try? generator.normal([rows, columns], dtype: .float64).singularValueDecomposition() else {
      endProgram("a random matrix has a decomposition")
    }
    return u
  }

  /// A matrix with the singular values 1, …, 1/condition in geometric progression and `rank` of them.
  package func matrix(seed: UInt64 = 0, condition: Double = 4) -> Tensor {
    let (left, right) = factors(seed: seed, condition: condition)
    return left.matmul(right)
  }

  /// L `[rows, rank]` and R `[rank, columns]` whose product is the matrix: perturbing them keeps its rank.
  package func factors(seed: UInt64 = 0, condition: Double = 4) -> (Tensor, Tensor) {
    var generator = RandomGenerator(seed: seed)
    let u = Self.orthonormal(rows, rank, using: &generator)
    let v = Self.orthonormal(columns, rank, using: &generator)
    let values = (0..<rank).map { Double.pow(condition, -Double($0) / Double(max(1, rank - 1))) }
    return (u * Tensor(values), v.transposed())
  }

  package func rightHandSide(seed: UInt64 = 1) -> Tensor {
    var generator = RandomGenerator(seed: seed)
    return generator.normal([rows], dtype: .float64)
  }
}

extension Double {
  package static func pow(_ base: Double, _ exponent: Double) -> Double {
    Tensor(base, dtype: .float64).pow(exponent).item()
  }
}

/// The minimiser of least norm by direct solves in recorded operations, on factors A = L·R of full rank.
///
/// With RRᵀ = CCᵀ and x = Rᵀ·C⁻ᵀ·w, w solves (CᵀLᵀLC + δ²I)·w = CᵀLᵀb, which is well-conditioned for any shape and rank.
package func denseSolution(_ l: Tensor, _ r: Tensor, _ b: Tensor, damping: Tensor?) throws -> Tensor {
  let c = try r.matmul(r.transposed()).choleskyFactor()
  let lc = l.matmul(c)
  var normal = lc.transposed().matmul(lc)
  if let damping { normal += Tensor.identity(c.size(0), dtype: .float64) * damping.square() }
  let factor = try normal.choleskyFactor()
  let half = factor.solvingLowerTriangular(lc.transposed().matmul(b).expandingDimension(at: 1))
  let w = factor.solvingLowerTriangular(half, transposed: true)
  return r.transposed().matmul(c.solvingLowerTriangular(w, transposed: true)).flattened()
}
