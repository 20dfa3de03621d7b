import ScoreKit

/// Training on ever new tasks, of which a network is shown 5 … 10 points and judged by 15 others.
struct FewShotTraining {
  let steps: Int
  let seed: UInt64
  var tasksPerStep = 16
  /// Called after each step.
  var report: (_ step: Int, _ loss: Double) -> Void = { _, _ in }

  /// The tasks of a step: the same ones for every network.
  func tasks(at step: Int) -> (known: Examples, queries: Examples) {
    var generator = RandomGenerator(seed: seed, purpose: .training, index: UInt64(step))
    let tasks = SinusoidTasks(count: tasksPerStep, using: &generator)
    let shots = Int.random(in: 5...10, using: &generator)
    return (tasks.examples(perTask: shots, using: &generator), tasks.examples(perTask: 15, using: &generator))
  }

  /// Trains a network whose last layer is solved for.
  func train(_ model: FewShotRegressor, differentiatesSolve: Bool = true) throws {
    try minimize(model) { known, queries in
      try model.loss(on: queries, from: known, differentiatesSolve: differentiatesSolve)
    }
  }

  /// Trains a network with an ordinary last layer, on the points of all tasks.
  func train(_ model: PlainRegressor) throws {
    try minimize(model) { known, queries in
      model.loss(
        on: Examples(x: .concatenate([known.x, queries.x], along: 1), y: .concatenate([known.y, queries.y], along: 1)))
    }
  }

  private func minimize(
    _ model: some Module, _ loss: (_ known: Examples, _ queries: Examples) throws -> Tensor
  ) throws {
    let parameters = model.parameters()
    let schedule = LearningRateSchedule(peak: 3e-3, warmupSteps: min(100, steps / 10), decay: .cosine, steps: steps)
    var adam = Adam()
    for step in 1...steps {
      let (known, queries) = tasks(at: step)
      let values = parameters.map(\.value)
      let loss = try loss(known, queries)
      let gradients = try gradients(of: loss, withRespectTo: values)
      adam.learningRate = schedule.rate(at: step)
      for (parameter, update) in zip(parameters, adam.updates(for: gradients, at: values)) {
        parameter.value = parameter.value.detached() + update
      }
      report(step, loss.item())
    }
  }
}
