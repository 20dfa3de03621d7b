import ScoreKit

extension Benchmark {
  /// Solutions of least squares and their gradients, beside the same iterations recorded and differentiated one by one.
  static var leastSquaresGradients: [Benchmark] {
    DifferentiableProblem.names.flatMap { [backward($0), forward($0)] }
  }

  private static let iterations = 50

  /// The gradients alone, of a solution that is there.
  private static func backward(_ name: String) -> Benchmark {
    unrolled("gradient/\(name)") {
      let problem = try DifferentiableProblem(name)
      let solution = try problem.solve(iterations: iterations)
      let unrolled = try problem.unroll(iterations: iterations)
      try problem.check(solution, unrolled, iterations: iterations)
      let x = solution.x
      return Workload(
        timed: Workload.timed { for _ in 0..<$0 { _ = try problem.gradients(of: x) } },
        peer: Workload.timed { for _ in 0..<$0 { _ = try problem.gradients(of: unrolled) } })
    }
  }

  /// The recorded solution alone.
  private static func forward(_ name: String) -> Benchmark {
    unrolled("recorded/\(name)") {
      let problem = try DifferentiableProblem(name)
      return Workload(
        timed: Workload.timed { for _ in 0..<$0 { _ = try problem.solve(iterations: iterations) } },
        peer: Workload.timed { for _ in 0..<$0 { _ = try problem.unroll(iterations: iterations) } })
    }
  }

  private static func unrolled(_ name: String, _ prepare: @escaping () throws -> Workload) -> Benchmark {
    Benchmark(
      name: "lstsq-\(name)", measure: .milliseconds, isParallel: false, peer: "unrolled LSMR", prepare: prepare)
  }
}
