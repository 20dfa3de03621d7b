import Foundation
import ScoreKit

/// Training on all points in each step.
struct Training {
  /// What a run has come to.
  struct Outcome {
    let network: Perceptron
    /// After each step.
    var losses: [Double] = []
    /// After each step.
    var violations: [Double] = []
    /// Of all steps with a projection.
    var iterations = 0
    var seconds = 0.0
    /// Against the sine on [−3π, 3π].
    var error = Double.nan

    var loss: Double { losses.last ?? .nan }
    var violation: Double { violations.last ?? .nan }
    var millisecondsPerStep: Double { seconds * 1000 / Double(losses.count) }
    var iterationsPerStep: Double { Double(iterations) / Double(losses.count) }
  }

  let steps: Int
  let seed: UInt64
  var problem: PeriodicProblem
  /// Called after each step.
  var report: (_ step: Int, _ outcome: Outcome) -> Void = { _, _ in }

  init(steps: Int, seed: UInt64) {
    self.steps = steps
    self.seed = seed
    var generator = RandomGenerator(seed: seed, purpose: .data)
    problem = PeriodicProblem(using: &generator)
  }

  /// The weights that every run of this seed starts from.
  func initialNetwork() -> Perceptron {
    var generator = RandomGenerator(seed: seed, purpose: .initialization)
    return Perceptron(using: &generator)
  }

  /// Trains a network from the start by an optimizer.
  func run(_ makeOptimizer: (Perceptron) -> any Optimizer) throws -> Outcome {
    var outcome = Outcome(network: initialNetwork())
    let network = outcome.network
    var optimizer = makeOptimizer(network)
    let parameters = network.parameters()
    var values = parameters.map(\.value)
    let start = Date()
    for step in 1...steps {
      let gradients = try gradients(of: problem.loss(of: network), withRespectTo: values)
      let updates = try optimizer.updates(for: gradients, at: values)
      for (parameter, update) in zip(parameters, updates) { parameter.value = parameter.value.detached() + update }
      values = parameters.map(\.value)
      outcome.losses.append(withoutGradients { problem.loss(of: network).item() })
      outcome.violations.append(problem.violation(of: network))
      outcome.iterations += (optimizer as? any ProjectingOptimizer)?.projectionReport?.iterations ?? 0
      report(step, outcome)
    }
    outcome.seconds = Date().timeIntervalSince(start)
    outcome.error = problem.error(of: network)
    return outcome
  }
}
