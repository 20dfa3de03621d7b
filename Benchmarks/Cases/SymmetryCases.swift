import ScoreKit

extension Benchmark {
  /// Training steps whose updates are projected so that the score's Jacobian becomes symmetric, beside the companion library of
  /// arXiv 2510.19634 in JAX.
  static var symmetry: [Benchmark] {
    [
      SymmetryProjection(pointCount: 32, metric: .identity), SymmetryProjection(pointCount: 256, metric: .identity),
      SymmetryProjection(pointCount: 256, metric: .preconditioner),
    ].map { projection in
      Benchmark(name: projection.name, measure: .milliseconds, isParallel: true, peer: "NUOX") {
        let network = BenchmarkNetwork.vectors
        let model = network.makeModel()
        let folder = try TemporaryFolder()
        try projection.writeExample(of: model, on: network.makeData(), to: folder)
        let trainer = try network.makeTrainer(
          model, optimizer: projection.optimizer(of: model, on: network.makeData()), learningRate: 1e-3)
        var workload = Workload(parameterCount: model.parameterCount) { iterations in
          for _ in 0..<iterations {
            let report = try trainer.advance()
            // Fewer would be another comparison.
            precondition(report.projection?.iterations == SymmetryProjection.iterations)
          }
        }
        workload.note = "\(SymmetryProjection.iterations) iterations"
        workload.folder = folder
        return workload
      }
    }
  }
}

/// A projection on the null space of the linearised `JacobianSymmetry`, by a fixed number of iterations.
struct SymmetryProjection {
  static let iterations = 8
  let pointCount: Int
  let metric: NullSpaceProjected<Adam>.Metric

  var name: String { "projection/symmetry-\(pointCount)\(metric == .identity ? "" : "-\(metric.rawValue)")" }

  func constraint(of model: any ScoreModel, on data: any TrainingData) -> JacobianSymmetry {
    JacobianSymmetry(of: model, process: BenchmarkNetwork.process, data: data, pointCount: pointCount)
  }

  func optimizer(of model: any ScoreModel, on data: any TrainingData) -> NullSpaceProjected<Adam> {
    NullSpaceProjected(
      Adam(), constraint: constraint(of: model, on: data), metric: metric,
      solver: LSMR(tolerance: 0, iterationLimit: Self.iterations, checksSolution: false),
      schedule: .init(correctionRate: 1))
  }

  /// Writes weights, a gradient, the points of the constraint's first step, its residual and the projected update, for the peer to make
  /// the same of them.
  func writeExample(of model: any ScoreModel, on data: any TrainingData, to folder: TemporaryFolder) throws {
    let parameters = Tensor.flatten(model.parameters().map { $0.value.detached() })
    var generator = RandomGenerator(seed: 1, purpose: .data)
    // Short enough not to be clipped.
    let gradient = generator.normal(parameters.shape) * 1e-3
    var constraint = constraint(of: model, on: data)
    try constraint.prepare(step: 1, at: [parameters])
    var optimizer = optimizer(of: model, on: data)
    let update = try optimizer.updates(for: [gradient], at: [parameters])[0]

    // As the constraint draws them.
    generator = RandomGenerator(seed: constraint.seed, purpose: .probes, index: 1)
    let examples = try data.batch(at: generator.integers(below: data.count, [pointCount])).examples
    let sigma = constraint.noiseLevels.times(pointCount, process: constraint.process, using: &generator)
    let x = constraint.process.perturb(examples, noise: generator.normal(examples.shape), at: sigma)
    let v = generator.signs(examples.shape)
    let residual = try withoutGradients { try constraint.residual(at: [parameters]) }
    for (name, tensor) in [
      "parameters": parameters, "gradient": gradient, "x": x.flattened(from: 1), "sigma": sigma,
      "v": v.flattened(from: 1), "residual": residual, "update": update,
    ] { try NPYFile.write(tensor.contiguous(), to: folder.file("\(name).npy")) }
  }
}
