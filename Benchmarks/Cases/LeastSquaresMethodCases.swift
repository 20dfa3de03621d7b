import ScoreKit

extension Benchmark {
  /// The direct solver beside as many iterations of LSMR as `AutomaticSolver` reckons with.
  static var leastSquaresMethods: [Benchmark] {
    let shapes = [(50, 50), (200, 200), (500, 500), (1000, 200), (2000, 500), (5000, 64), (100_000, 20)]
    return shapes.flatMap { rows, columns in
      [DType.float32, .float64].map { dtype in
        method("\(rows)x\(columns)-\(dtype)", dtype) { generator in
          // Columns of very different lengths, so that no tolerance ends LSMR early.
          let scales = (Tensor.linspace(0, -4, count: columns).to(dtype) * 2.302585).exp()
          return MatrixOperator(generator.normal([rows, columns], dtype: dtype) * scales)
        }
      }
    } + [
      method("jacobian-256x1185-float64", .float64) { _ in try DifferentiableProblem("jacobian").a }
    ]
  }

  private static func method(
    _ name: String, _ dtype: DType, _ make: @escaping (inout RandomGenerator) throws -> any LinearOperator
  ) -> Benchmark {
    Benchmark(name: "direct/\(name)", measure: .milliseconds, isParallel: false, peer: "LSMR") {
      var generator = RandomGenerator(seed: 0, purpose: .data)
      let a = try make(&generator)
      let b = generator.normal([a.rows], dtype: dtype)
      let iterations = min(a.rows, a.columns, 100)
      let iterative = LSMR(atol: 0, btol: 0, conditionLimit: 0, iterationLimit: iterations)
      var workload = Workload(
        timed: Workload.timed { for _ in 0..<$0 { _ = try DenseSolver().solve(a, b) } },
        peer: Workload.timed { for _ in 0..<$0 { _ = try iterative.solve(a, b) } })
      let taken = try iterative.solve(a, b).iterations
      workload.note = "\(taken) iterations; automatic: \(AutomaticSolver().solvesDirectly(a) ? "direct" : "LSMR")"
      return workload
    }
  }
}
