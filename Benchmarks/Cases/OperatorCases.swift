import ScoreKit

extension Benchmark {
  /// Operators on tensors so small that mostly the way to libtorch is timed.
  static var operators: [Benchmark] { [add, matmul, linear, chain, gradient] }

  private static func overhead(
    _ name: String, operations: Double = 1, _ prepare: @escaping () -> Workload
  ) -> Benchmark {
    Benchmark(
      name: "operator/\(name)", measure: .microseconds(operations: operations), isParallel: false, prepare: prepare)
  }

  private static var add: Benchmark {
    overhead("add-1") {
      let (x, y) = (Tensor.ones([1]), Tensor.ones([1]))
      return Workload { iterations in
        for _ in 0..<iterations { _ = x + y }
      }
    }
  }

  private static var matmul: Benchmark {
    overhead("matmul-32") {
      var generator = RandomGenerator(seed: 0)
      let (a, b) = (generator.normal([32, 32]), generator.normal([32, 32]))
      return Workload { iterations in
        for _ in 0..<iterations { _ = a.matmul(b) }
      }
    }
  }

  private static var linear: Benchmark {
    overhead("linear-silu-16x32") {
      var generator = RandomGenerator(seed: 0)
      let layer = Linear(32, 32, using: &generator)
      let x = generator.normal([16, 32])
      return Workload { iterations in
        withoutGradients {
          for _ in 0..<iterations { _ = layer(x).silu() }
        }
      }
    }
  }

  private static var chain: Benchmark {
    overhead("chain-of-1000", operations: 1000) {
      var generator = RandomGenerator(seed: 0)
      let x = generator.normal([64])
      return Workload { iterations in
        for _ in 0..<iterations {
          var y = x
          for _ in 0..<250 {
            y = y * 0.999
            y = y + x
            y = y.silu()
            y = y - x
          }
        }
      }
    }
  }

  /// The loss of a network with two hidden layers of 32, and the gradient of all its weights.
  private static var gradient: Benchmark {
    overhead("mlp-gradient-16x32") {
      var generator = RandomGenerator(seed: 0)
      let layers = [
        Linear(2, 32, using: &generator), Linear(32, 32, using: &generator), Linear(32, 2, using: &generator),
      ]
      let parameters = layers.flatMap { $0.parameters() }
      let (x, y) = (generator.normal([16, 2]), generator.normal([16, 2]))
      return Workload(parameterCount: layers.reduce(0) { $0 + $1.parameterCount }) { iterations in
        for _ in 0..<iterations {
          let output = layers[2](layers[1](layers[0](x).silu()).silu())
          _ = try gradients(of: (output - y).square().mean(), withRespectTo: parameters.map(\.value))
        }
      }
    }
  }
}
