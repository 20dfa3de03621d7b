public import ScoreModels
public import ScoreTraining
public import Testing
internal import Torch

/// Expects an objective to keep the laws of objectives.
///
/// - The loss is a finite scalar, and a function of model, batch and generator: the same three give the same bits.
/// - The loss depends on the model's parameters, and its gradient matches finite differences.
/// - The labels of the batch reach the model as its condition.
///
/// - Parameters:
///   - objective: the objective.
///   - process: the process that makes data noisy.
///   - wrapping: what the objective needs around a model, for example `{ UncertainScore($0) }`; by default nothing.
///   - sourceLocation: where failures are reported; by default at the call.
/// - Throws: the objective's errors.
/// - Complexity: about 100 losses of a score with two parameters on 5 points of the plane.
public func expectObjectiveLaws(
  of objective: any ScoreObjective, process: any DiffusionProcess = EDMProcess(),
  wrapping: (any ScoreModel) -> any ScoreModel = { $0 }, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  func law(_ sentence: String) -> Law { Law(sentence, of: objective, at: sourceLocation) }
  let model = wrapping(BentScore(process: process))
  // A wrapper's parameters are 0 at first, which hides what depends on them.
  var random = RandomGenerator(seed: 6)
  let point = model.parameters().map { parameter in
    parameter.value.detached().to(.float64) + 0.2 * random.normal(parameter.shape, dtype: .float64)
  }
  let examples = random.normal([5, 2], dtype: .float64)
  func loss(_ parameters: [Tensor], labels: [Int] = [0, 1, 2, 0, 1], seed: UInt64 = 2) throws -> Tensor {
    var generator = RandomGenerator(seed: seed)
    return try model.withParameters(parameters) {
      try objective.loss(
        of: model, on: TrainingBatch(examples: examples, labels: Tensor(labels)), process: process, using: &generator)
    }
  }
  let value = try loss(point).detached()
  guard law("the loss is a finite scalar").requires(value.shape == [] && value.allFinite, "it is \(value)") else {
    return
  }
  let repeatable = law("the loss is a function of its generator")
  repeatable.expectIdentical(try loss(point).detached(), value, "a second time")
  repeatable.expectIdentical(try loss(point).detached(), value, "a third time")
  let other = try loss([point[0] + 0.5] + point.dropFirst()).item()
  law("the loss depends on the model").expect(
    (other - value.item()).magnitude > 1e-9, "another parameter leaves it at \(other)")
  law("gradients match finite differences").expectGradient(of: { try loss($0) }, at: point)
  let relabelled = try loss(point, labels: [2, 0, 1, 1, 2]).item()
  law("labels are the model's condition").expect(
    (relabelled - value.item()).magnitude > 1e-9, "other labels leave the loss at \(relabelled)")
}

/// A smooth score in the plane with two parameters, which is not a gradient and depends on labels.
private struct BentScore: ScoreModel {
  let slope = Parameter(Tensor(-0.7, dtype: .float64))
  let bend = Parameter(Tensor(0.2, dtype: .float64))
  let process: any DiffusionProcess

  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    let turn = Tensor([[0, 1], [-0.5, 0]]).to(.float64)
    let label =
      condition.map { $0.to(.float64).broadcastable(toRank: 2) * 0.1 } ?? Tensor.zeros([1, 1], dtype: .float64)
    let bent = slope.value * x + bend.value * x.square() + bend.value * x.matmul(turn) + label
    let variance = (process.sigma(t).square() + 1) * process.scale(t).square()
    return bent.tanh() / variance.to(.float64).broadcastable(toRank: 2)
  }
}
