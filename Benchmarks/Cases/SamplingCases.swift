import ScoreKit

extension Benchmark {
  /// 64 pictures by Heun's sampler in 18 steps, which are 35 evaluations of the network.
  static var sampling: [Benchmark] {
    let count = 64
    return [BenchmarkNetwork.small, .medium].map { network in
      Benchmark(
        name: "sample/\(network.name)", measure: .rate(of: "images", perIteration: Double(count)), isParallel: true
      ) {
        let model = network.makeModel()
        let labels = network.classCount > 0 ? Tensor((0..<count).map { $0 % network.classCount }) : nil
        return Workload(parameterCount: model.parameterCount) { iterations in
          for _ in 0..<iterations {
            _ = try HeunSampler(steps: 18).sample(
              from: model, process: BenchmarkNetwork.process, shape: network.exampleShape,
              seeds: Array(0..<UInt64(count)), condition: labels)
          }
        }
      }
    }
  }
}
