public import ScoreTraining
public import Testing
internal import Torch

/// Expects an optimizer to keep the laws of optimizers.
///
/// - Updates have the shapes and the element types of the parameters, and are finite.
/// - Restored state continues exactly: an optimizer that is saved and restored gives the same updates.
/// - State that is not its own is refused with an error, and the optimizer stays as it was.
/// - The metric `preconditioner`, if there is one, is positive and has the shapes of the parameters.
/// - It finds the minimum of a quadratic in three numbers, ½(x − 3)ᵀ·D·(x − 3) with D = (0.1, 1, 10), from x = 0.
///
/// - Parameters:
///   - optimizer: a new optimizer whose learning rate suits the quadratic.
///   - steps: the number of steps in which the minimum is found.
///   - tolerance: the distance from the minimum, for each number.
///   - sourceLocation: where failures are reported; by default at the call.
/// - Throws: the optimizer's errors.
/// - Complexity: as many updates of three numbers as there are steps, and some more.
public func expectOptimizerLaws(
  of optimizer: any Optimizer, steps: Int = 1500, tolerance: Double = 1e-2,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  func law(_ sentence: String) -> Law { Law(sentence, of: optimizer, at: sourceLocation) }
  let x = Tensor([1, -2, 3] as [Double])
  var (original, copy) = (optimizer, optimizer)
  for step in 1...3 {
    let updates = try original.updates(for: [x * Double(step)], at: [x])
    guard
      law("updates have the shapes of the parameters").requires(
        updates.map(\.shape) == [[3]] && updates[0].dtype == .float64 && updates[0].allFinite,
        "they are \(updates.map(\.shape)), not one of [3] in float64, or not finite")
    else { return }
  }
  if let metric = original.preconditioner {
    law("the metric is positive").expect(
      metric.map(\.shape) == [[3]] && metric[0].elements(as: Double.self).allSatisfy { $0 > 0 && $0.isFinite },
      "it is \(metric)")
  }
  let state = original.state
  let refusing = law("state of another optimizer is refused")
  refusing.expectError((any Error).self, "for a state with a name that nobody has") {
    var other = original
    try other.restore(state.merging(["no.such.tensor": Tensor([1.0])]) { own, _ in own }, for: [x])
  }
  var survivor = original
  try? survivor.restore(state.merging(["no.such.tensor": Tensor([1.0])]) { own, _ in own }, for: [x])
  try copy.restore(state, for: [x])
  let going = law("restored state continues exactly")
  for step in 1...3 {
    let gradient = [x.square() * Double(step)]
    let next = try original.updates(for: gradient, at: [x])[0]
    going.expectIdentical(try copy.updates(for: gradient, at: [x])[0], next, "update \(step) after restoring")
    refusing.expectIdentical(
      try survivor.updates(for: gradient, at: [x])[0], next, "update \(step) after a state that was refused")
    going.expect(next.norm() > 0, "an update is 0")
  }
  let (scales, minimum) = (Tensor([0.1, 1, 10] as [Double]), Tensor.full([3], 3, dtype: .float64))
  var (searching, point) = (optimizer, Tensor.zeros([3], dtype: .float64))
  for _ in 0..<steps { point += try searching.updates(for: [scales * (point - 3)], at: [point])[0] }
  law("the minimum of a quadratic is found").expectClose(
    point, minimum, rtol: 0, atol: tolerance, "after \(steps) steps")
}
