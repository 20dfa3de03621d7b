internal import CTorch

extension Tensor {
  /// The thin singular value decomposition A = U·diag(s)·Vᵀ of a matrix.
  ///
  /// For A `[m, n]` and k = min(m, n): U `[m, k]`, s `[k]` in descending order, Vᵀ `[k, n]`.
  ///
  /// - Throws: `EngineError` if an element is not finite or the iteration fails.
  /// - Complexity: O(m·n·k).
  public func singularValueDecomposition() throws -> (u: Tensor, s: Tensor, vTransposed: Tensor) {
    var out = [OpaquePointer?](repeating: nil, count: 3)
    guard ctorch_svd(pointer, &out) == CTORCH_OK, let u = out[0], let s = out[1], let vt = out[2] else {
      throw EngineError("singularValueDecomposition(\(dtype)\(shape))")
    }
    return (Tensor(adopting: u), Tensor(adopting: s), Tensor(adopting: vt))
  }

  /// The lower triangular L with A = L·Lᵀ for a symmetric positive definite matrix A, or a batch of them.
  ///
  /// - Throws: `EngineError` if A is not positive definite in floating-point numbers.
  public func choleskyFactor() throws -> Tensor {
    var out: OpaquePointer?
    guard ctorch_cholesky(pointer, &out) == CTORCH_OK, let out else {
      throw EngineError("choleskyFactor(\(dtype)\(shape))")
    }
    return Tensor(adopting: out)
  }

  /// X with L·X = B, or Lᵀ·X = B if `transposed`, where L `[n, n]` is this lower triangular matrix and B is `[n, k]`.
  public func solvingLowerTriangular(_ b: Tensor, transposed: Bool = false) -> Tensor {
    produce("solvingLowerTriangular", [self, b]) { ctorch_solve_lower(pointer, b.pointer, transposed, $0) }
  }

  /// The diagonal of a matrix.
  public func diagonal() -> Tensor { produce("diagonal", [self]) { ctorch_diagonal(pointer, $0) } }

  /// Where the first element is in memory.
  package var memoryAddress: UInt { inspect(ctorch_address) }

  /// Whether two values share one handle: the same tensor, not merely equal elements.
  package func isSame(as other: Tensor) -> Bool { handle === other.handle }

  /// A·x or Aᵀ·x for this matrix, on all threads and with bits that do not depend on their number; nothing is recorded.
  package func vectorProduct(_ x: Tensor, transposed: Bool = false) -> Tensor {
    produce("vectorProduct", [self, x]) { ctorch_matrix_vector(pointer, transposed, x.pointer, $0) }
  }

  /// The product of a sparse matrix in compressed rows with a vector; this tensor holds the matrix elements.
  ///
  /// Nothing is recorded.
  package func compressedRowsProduct(
    rowOffsets: Tensor, columns: Tensor, shape: (rows: Int, columns: Int), with x: Tensor
  ) -> Tensor {
    produce("compressedRowsProduct", [rowOffsets, columns, self, x]) {
      ctorch_csr_product(
        rowOffsets.pointer, columns.pointer, pointer, Int64(shape.rows), Int64(shape.columns), x.pointer, $0)
    }
  }
}

// The updates of iterative solvers. A tensor stays a value: memory is written only where no other tensor shares it.
extension Tensor {
  /// self ← a·x + b·self in one pass; returns the norm of the result.
  package mutating func combine(_ a: Double, _ x: Tensor, _ b: Double) -> Double {
    var norm = 0.0
    let isUnique = isKnownUniquelyReferenced(&handle)
    self = produce("combine", [x, self]) { ctorch_combine(a, x.pointer, b, pointer, isUnique, &norm, $0) }
    return norm
  }

  /// a·x where a mask is true and this tensor elsewhere, with ‖x‖₂ over the elements where the mask is true, in one
  /// pass.
  package func replacing(where mask: Tensor, with x: Tensor, scaledBy a: Double) -> (result: Tensor, norm: Double) {
    var norm = 0.0
    let result = produce("replacing(where:with:scaledBy:)", [mask, x, self]) {
      ctorch_replace_scaled(mask.pointer, a, x.pointer, pointer, &norm, $0)
    }
    return (result, norm)
  }

  /// g ← h + p·g, x ← x + q·g with the new g, and h ← r·v + s·h, in one pass; returns ‖x‖₂ of the new x.
  package static func advance(
    _ g: inout Tensor, _ x: inout Tensor, _ h: inout Tensor, v: Tensor, p: Double, q: Double, r: Double, s: Double
  ) -> Double {
    var norm = 0.0
    let consumes = [
      isKnownUniquelyReferenced(&g.handle), isKnownUniquelyReferenced(&x.handle), isKnownUniquelyReferenced(&h.handle),
    ]
    let results = produceMany("advance", count: 3, [g, x, h, v]) { out in
      // The handles stay alive for the call; no code after the call reads them.
      withHandles([g, x, h]) { vectors, _ in ctorch_advance(vectors, consumes, v.pointer, p, q, r, s, &norm, out) }
    }
    (g, x, h) = (results[0], results[1], results[2])
    return norm
  }
}
