import ScoreKit

extension Benchmark {
  /// Solves by LSMR beside those of SciPy, matfree and lineax, for the same numbers with the same tolerances.
  static var leastSquaresSolves: [Benchmark] {
    let packages = ["SciPy", "matfree", "lineax"]
    // SciPy turns single precision into double.
    return packages.map { solve("dense", .float64, $0) } + packages.dropFirst().map { solve("dense", .float32, $0) }
      + packages.map { solve("sparse", .float64, $0) }
  }

  private static func solve(_ kind: String, _ dtype: DType, _ package: String) -> Benchmark {
    Benchmark(
      name: "lsmr/\(kind)-\(dtype)-\(package.lowercased())", measure: .milliseconds, isParallel: true, peer: package,
      isTimedAlone: false
    ) {
      let tolerance = dtype == .float64 ? 1e-10 : 1e-5
      let folder = try TemporaryFolder()
      let (a, b) = try kind == "dense" ? dense(dtype, folder) : sparse(dtype, folder)
      let solver = LSMR(atol: tolerance, btol: tolerance)
      let solution = try solver.solve(a, b).converged()
      for (name, tensor) in ["b": b, "x": solution.x, "tolerance": Tensor([tolerance])] {
        try NPYFile.write(tensor, to: folder.file("\(name).npy"))
      }
      var workload = Workload { for _ in 0..<$0 { _ = try solver.solve(a, b) } }
      workload.solverIterations = solution.iterations
      workload.folder = folder
      return workload
    }
  }

  /// 2000 × 1000 independent numbers.
  private static func dense(_ dtype: DType, _ folder: TemporaryFolder) throws -> (any LinearOperator, Tensor) {
    var generator = RandomGenerator(seed: 0, purpose: .data)
    let matrix = generator.normal([2000, 1000], dtype: dtype)
    try NPYFile.write(matrix, to: folder.file("matrix.npy"))
    return (MatrixOperator(matrix), generator.normal([2000], dtype: dtype))
  }

  /// 100,000 × 40,000 with 10 numbers at random places of each row.
  private static func sparse(_ dtype: DType, _ folder: TemporaryFolder) throws -> (any LinearOperator, Tensor) {
    let (rows, columns, each) = (100_000, 40_000, 10)
    var generator = RandomGenerator(seed: 0, purpose: .data)
    let values = generator.normal([rows * each], dtype: dtype)
    let places = generator.integers(below: columns, [rows * each])
    try NPYFile.write(values, to: folder.file("values.npy"))
    // Whole numbers below 2⁵³ are exact in double precision.
    try NPYFile.write(places.to(.float64), to: folder.file("columns.npy"))
    try NPYFile.write(Tensor([Double(rows), Double(columns)]), to: folder.file("shape.npy"))
    let a = try SparseOperator(
      rowOffsets: (0...rows).map { $0 * each }, columnIndices: places.elements(), values: values, columns: columns)
    return (a, generator.normal([rows], dtype: dtype))
  }
}
