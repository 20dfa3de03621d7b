import ScoreKit

extension Benchmark {
  /// Steps of training, with all that belongs to one: the batch, the noise, the loss and its gradient, clipping, Adam and
  /// the moving average.
  static var training: [Benchmark] {
    [BenchmarkNetwork.mlp, .small, .medium].map { network in
      Benchmark(name: "train/\(network.name)", measure: .rate(of: "steps", perIteration: 1), isParallel: true) {
        let model = network.makeModel()
        let trainer = try network.makeTrainer(model)
        return Workload(parameterCount: model.parameterCount) { iterations in
          for _ in 0..<iterations { try trainer.advance() }
        }
      }
    }
  }
}
