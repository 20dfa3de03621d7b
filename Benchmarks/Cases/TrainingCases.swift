import ScoreKit

extension Benchmark {
  /// Steps of training, with all that belongs to one: the batch, the noise, the loss and its gradient, clipping, Adam and
  /// the moving average.
  static var training: [Benchmark] {
    [BenchmarkNetwork.mlp, .small, .medium].map { network in
      Benchmark(name: "train/\(network.name)", measure: .rate(of: "steps", perIteration: 1), isParallel: true) {
        let model = network.makeModel()
        let trainer = Trainer(
          model, process: BenchmarkNetwork.process, data: network.makeData(),
          objective: DenoisingScoreMatching(
            noiseLevels: .logNormal(), weighting: .edm(sigmaData: BenchmarkNetwork.sigmaData)),
          settings: Trainer.Settings(
            batchSize: network.batchSize, schedule: LearningRateSchedule(peak: 1e-4, steps: 1), averageDecay: 0.995))
        return Workload(parameterCount: model.parameterCount) { iterations in
          for _ in 0..<iterations { try trainer.advance() }
        }
      }
    }
  }
}
