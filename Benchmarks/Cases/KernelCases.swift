import ScoreKit

extension Benchmark {
  /// The hand-written kernels, each in the work that it serves: with it beside without it, in a process for either.
  static var kernels: [Benchmark] {
    let served: [(kernel: String, steps: [KernelStep])] = [
      ("silu", [.trainMLP, .energyMLP, .energySmallUNet, .penaltyMLP, .projection]),
      ("linear", [.trainMLP, .energyMLP, .penaltyMLP, .projection]),
      ("group-norm", [.trainSmallUNet, .energySmallUNet, .energyMediumUNet]),
      ("convolution", [.trainSmallUNet, .energySmallUNet, .energyMediumUNet]),
      ("vector-updates", [.projection, .denseSolve, .diagonalSolve]),
      ("matrix-vector", [.denseSolve]),
      ("caching-allocator", [.trainMediumUNet, .trainLargeMLP, .sampling, .diagonalSolve]),
    ]
    return served.flatMap { kernel, steps in steps.map { kernelCase(kernel, $0) } }
  }

  private static func kernelCase(_ kernel: String, _ step: KernelStep) -> Benchmark {
    Benchmark(
      name: "kernels/\(kernel)/\(step.rawValue)", measure: .milliseconds, isParallel: true, peer: "without the kernel"
    ) {
      let with = try Peer(step, threads: Engine.threadCount, kernelsOff: [])
      let without = try Peer(step, threads: Engine.threadCount, kernelsOff: [kernel])
      return Workload(timed: with.run, peer: without.run)
    }
  }
}
