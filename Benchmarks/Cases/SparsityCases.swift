import ScoreKit

extension Benchmark {
  /// Training steps whose updates are projected on sparse weights, beside plain ones of the same network.
  static var sparsity: [Benchmark] { SparseTraining.allCases.filter { $0 != .plain }.map(sparsity) }

  private static func sparsity(_ training: SparseTraining) -> Benchmark {
    Benchmark(
      name: "projection/sparsity-50m-\(training.rawValue)", measure: .milliseconds, isParallel: true,
      peer: "plain Adam"
    ) {
      let (projected, plain) = (try training.makeTrainer(), try SparseTraining.plain.makeTrainer())
      // The first step chooses the weights.
      try projected.advance()
      let report = try projected.advance().projection
      var workload = Workload(
        timed: Workload.timed { for _ in 0..<$0 { try projected.advance() } },
        peer: Workload.timed { for _ in 0..<$0 { try plain.advance() } })
      workload.note = report.flatMap { $0.iterations > 0 ? "\($0.iterations) iterations" : nil }
      return workload
    }
  }
}
