import ScoreKit
import ScoreTestSupport
import Testing

/// Denoising score matching, right or with one mistake.
private struct Denoising: ScoreObjective {
  enum Mistake { case none, repeats, shape, label, model, gradient }

  final class Calls: @unchecked Sendable { var count = 0 }

  var mistake = Mistake.none
  let calls = Calls()

  func loss(
    of model: any ScoreModel, on batch: TrainingBatch, process: any DiffusionProcess,
    using generator: inout RandomGenerator
  ) -> Tensor {
    calls.count += 1
    var batch = batch
    if mistake == .label { batch.labels = nil }
    let count = batch.examples.size(0)
    let times = NoiseDistribution.logNormal().times(count, process: process, using: &generator)
    let noise = generator.normal(batch.examples.shape, dtype: batch.examples.dtype)
    let x = process.perturb(batch.examples, noise: noise, at: times)
    let denoised =
      mistake == .model ? x.variable() : model.denoised(x, at: times, process: process, condition: batch.labels)
    let squares = (denoised - batch.examples).square()
    return switch mistake {
    case .repeats: squares.mean() * Double(calls.count)
    case .shape: squares.mean(1)
    case .gradient: squares.mean() + squares.detached().mean()
    default: squares.mean()
    }
  }
}

/// Gradient descent with momentum, right or with one mistake.
private struct Momentum: Optimizer {
  enum Mistake { case none, state, sign, shape, accepts, spoils, metric }

  var learningRate = 0.05
  var mistake = Mistake.none
  private var velocity: Tensor?

  init(_ mistake: Mistake = .none) { self.mistake = mistake }

  mutating func updates(for gradients: [Tensor], at parameters: [Tensor]) -> [Tensor] {
    velocity = velocity.map { $0 * 0.9 + gradients[0] } ?? gradients[0]
    let update = (velocity ?? gradients[0]) * (mistake == .sign ? learningRate * 1e-3 : -learningRate)
    return mistake == .shape ? [update.sum()] : [update]
  }

  var preconditioner: [Tensor]? { mistake == .metric ? [Tensor([1.0, -1, 1])] : nil }

  var state: [String: Tensor] {
    guard mistake != .state, let velocity else { return [:] }
    return ["velocity": velocity]
  }

  mutating func restore(_ state: [String: Tensor], for parameters: [Tensor]) throws {
    if mistake == .spoils { velocity = nil }
    guard mistake == .accepts || state.keys.allSatisfy({ $0 == "velocity" }) else {
      throw OptimizerStateError("this is not mine")
    }
    velocity = state["velocity"]
  }
}

/// x₀² + x₁ = 1, with a Jacobian of its own.
private struct Parabola: Constraint {
  enum Mistake { case none, jacobian, adjoint, residual, list, projection }

  var mistake = Mistake.none

  func residual(at parameters: [Tensor]) throws -> Tensor {
    let x = Tensor.flatten(parameters)
    let value = x[0].square() + x[1] - 1
    return (mistake == .list && parameters.count == 1 ? value * 2 : value).reshaped(1)
  }

  func linearization(at parameters: [Tensor]) throws -> ConstraintLinearization {
    let x = Tensor.flatten(parameters).detached()
    let slope = (mistake == .jacobian ? 1 : 2) * x[0].item()
    let jacobian = FunctionOperator(
      rows: 1, columns: 2,
      adjoint: { w, _ in Tensor.concatenate([w * slope, w * (mistake == .adjoint ? -1 : 1)]) }
    ) { v, _ in (v[0] * slope + v[1]).reshaped(1) }
    let value = try residual(at: parameters).detached()
    return ConstraintLinearization(residual: mistake == .residual ? value + 1 : value, jacobian: jacobian)
  }

  func projection(
    of update: [Tensor], at parameters: [Tensor], preconditioner: () -> [Tensor]?, correctionRate: Double
  ) throws -> ConstraintProjection? {
    mistake == .projection ? ConstraintProjection(update: update, constraintNorm: 0, residualNorm: 0) : nil
  }
}

/// Data whose examples depend on more than their positions, or have other mistakes.
private struct Numbers: TrainingData {
  enum Mistake { case none, batch, labels, type, empty, rows }

  var mistake = Mistake.none
  var count: Int { mistake == .empty ? 0 : 9 }

  func batch(at positions: Tensor) throws -> TrainingBatch {
    var examples = positions.to(.float32).expandingDimension(at: 1).expanded(to: [positions.elementCount, 2])
    if mistake == .batch { examples = examples - examples.mean() }
    if mistake == .type { examples = examples.to(.float64) }
    if mistake == .rows { examples = examples[0..<1] }
    return TrainingBatch(examples: examples, labels: mistake == .labels ? positions - 5 : positions)
  }
}

@Suite struct BrokenTrainingTests {
  @Test func wrongObjectivesAreFound() throws {
    try expectObjectiveLaws(of: Denoising())
    for (mistake, words) in [
      (.repeats, "the loss is a function of its generator"), (.shape, "the loss is a finite scalar"),
      (.label, "labels are the model's condition"), (.model, "the loss depends on the model"),
      (.gradient, "gradients match finite differences"),
    ] as [(Denoising.Mistake, String)] {
      expectViolation(of: words) { try expectObjectiveLaws(of: Denoising(mistake: mistake)) }
    }
  }

  @Test func wrongOptimizersAreFound() throws {
    try expectOptimizerLaws(of: Momentum())
    for (mistake, words) in [
      (.state, "restored state continues exactly"), (.sign, "the minimum of a quadratic is found"),
      (.shape, "updates have the shapes of the parameters"), (.accepts, "state of another optimizer is refused"),
      (.spoils, "after a state that was refused"), (.metric, "the metric is positive"),
    ] as [(Momentum.Mistake, String)] {
      expectViolation(of: words) { try expectOptimizerLaws(of: Momentum(mistake), steps: 500) }
    }
  }

  @Test func wrongConstraintsAreFound() throws {
    let point = [Tensor([0.7]), Tensor([1.4])]
    try expectConstraintLaws(of: Parabola(), at: point)
    for (mistake, words) in [
      (.jacobian, "the linearisation is the derivative"), (.adjoint, "the Jacobian has its adjoint"),
      (.residual, "its residual"), (.list, "a list of parameters and one vector"),
      (.projection, "projections take their part"),
    ] as [(Parabola.Mistake, String)] {
      expectViolation(of: words) { try expectConstraintLaws(of: Parabola(mistake: mistake), at: point) }
    }
  }

  @Test func wrongDataAreFound() throws {
    try expectTrainingDataLaws(of: Numbers())
    for (mistake, words) in [
      (.batch, "an example depends on its position alone"), (.labels, "labels are whole numbers"),
      (.type, "examples are float64"), (.empty, "there are 0"), (.rows, "a batch has an example for each position"),
    ] as [(Numbers.Mistake, String)] {
      expectViolation(of: words) { try expectTrainingDataLaws(of: Numbers(mistake: mistake)) }
    }
  }
}
