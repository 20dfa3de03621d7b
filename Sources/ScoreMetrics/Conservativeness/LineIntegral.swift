public import ScoreModels
public import Torch

/// The line integrals ∫ s·dx of a score along curves, one for each: `[curves]` in `float64`.
///
/// If the score is the gradient of a log density, the integral is the difference of the log density between the ends.
/// It then does not depend on the path, and is 0 for a closed curve. The score is computed in the model's element type,
/// the sum in `float64`; nothing is recorded.
///
/// - Parameters:
///   - model: the score.
///   - curves: the curves with their quadrature rule.
///   - t: the time.
///   - condition: an entry for each curve, such as class labels `[curves]`, or `nil`.
///   - batchSize: the number of nodes that are evaluated together.
/// - Throws: `ConservativenessError` for invalid arguments or a score that is not finite.
/// - Complexity: an evaluation for each node.
public func lineIntegral(
  of model: any ScoreModel, along curves: Curves, at t: Double, condition: Tensor? = nil, batchSize: Int = 256
) throws(ConservativenessError) -> Tensor {
  try pairings(of: model, along: curves, at: t, condition: condition, batchSize: batchSize).integrals
}

/// log pₜ(end) − log pₜ(start) for each curve: `[curves]` in `float64`.
///
/// For an `EnergyModel` it is E(start) − E(end): two evaluations, and no dependence on the path. The result is as exact
/// as the energies; in `float32` it loses digits if the energies are large compared with their difference. For any
/// other model it is the line integral of the score, which depends on the path as far as the score is not a gradient.
///
/// - Parameters: as those of `lineIntegral(of:along:at:condition:batchSize:)`.
/// - Throws: `ConservativenessError` for invalid arguments or results that are not finite.
public func logDensityDifference(
  of model: any ScoreModel, along curves: Curves, at t: Double, condition: Tensor? = nil, batchSize: Int = 256
) throws(ConservativenessError) -> Tensor {
  guard let model = model as? any EnergyModel else {
    return try lineIntegral(of: model, along: curves, at: t, condition: condition, batchSize: batchSize)
  }
  func energies(_ x: Tensor) throws(ConservativenessError) -> Tensor {
    try evaluate(model, at: x, t, condition: condition, batchSize: batchSize, "energy") {
      model.energy($0, at: $1, condition: $2)
    }
  }
  return try energies(curves.start) - energies(curves.end)
}

/// log pₜ(x₁) − log pₜ(x₀) for pairs of points `[pairs, …]`: `[pairs]` in `float64`.
///
/// If the model is no `EnergyModel`, the score is integrated along straight segments by Gauss–Legendre quadrature: n
/// nodes are exact for scores that are polynomials of degree 2n − 1 along the segment.
///
/// - Parameters:
///   - model: the score.
///   - start: x₀.
///   - end: x₁.
///   - t: the time.
///   - condition: an entry for each pair, such as class labels `[pairs]`, or `nil`.
///   - nodeCount: the number n of nodes on each segment.
///   - batchSize: the number of points that are evaluated together.
/// - Throws: `ConservativenessError` for invalid arguments or results that are not finite.
public func logDensityDifference(
  of model: any ScoreModel, from start: Tensor, to end: Tensor, at t: Double, condition: Tensor? = nil,
  nodeCount: Int = 32, batchSize: Int = 256
) throws(ConservativenessError) -> Tensor {
  try logDensityDifference(
    of: model, along: .segments(from: start, to: end, nodeCount: nodeCount), at: t, condition: condition,
    batchSize: batchSize)
}

/// Σₖ ⟨s(xₖ), dxₖ⟩ and Σₖ ‖s(xₖ)‖·‖dxₖ‖ for each curve.
func pairings(
  of model: any ScoreModel, along curves: Curves, at t: Double, condition: Tensor?, batchSize: Int
) throws(ConservativenessError) -> (integrals: Tensor, bounds: Tensor) {
  let (count, nodeCount) = (curves.count, curves.nodes.size(1))
  try checkCondition(condition, count: count)
  let ofNodes = condition?.gathering((0..<count * nodeCount).map { $0 / nodeCount })
  let x = curves.nodes.flattened(from: 0, through: 1)
  let scores = try evaluate(model, at: x, t, condition: ofNodes, batchSize: batchSize, "score") {
    model.score($0, at: $1, condition: $2)
  }
  try checkShape(of: scores, equals: x.shape, model)
  let steps = curves.steps.flattened(from: 0, through: 1)
  func sums(_ terms: Tensor) -> Tensor { terms.reshaped(count, nodeCount).sum(1) }
  let norms = scores.square().sumPerExample() * steps.square().sumPerExample()
  return (sums((scores * steps).sumPerExample()), sums(norms.sqrt()))
}

private func checkShape(
  of values: Tensor, equals shape: [Int], _ model: any ScoreModel
) throws(ConservativenessError) {
  try require(
    values.shape == shape, "\(type(of: model)) returned a score of shape \(values.shape) at x of shape \(shape)")
}

private func checkCondition(_ condition: Tensor?, count: Int) throws(ConservativenessError) {
  guard let condition else { return }
  try require(
    condition.rank > 0 && condition.size(0) == count,
    "the condition has shape \(condition.shape), but needs an entry for each of the \(count) curves")
}

/// Evaluates a function of the model at x `[count, …]` in batches; the result is in double precision on the processor.
private func evaluate(
  _ model: any ScoreModel, at x: Tensor, _ t: Double, condition: Tensor?, batchSize: Int, _ name: String,
  _ function: (Tensor, Tensor, Tensor?) -> Tensor
) throws(ConservativenessError) -> Tensor {
  try checkCondition(condition, count: x.size(0))
  try require(batchSize > 0, "a batch has a positive size, not \(batchSize)")
  try require(t.isFinite, "the time \(t) is not finite")
  let (device, dtype) = (model.device, model.computationDType ?? .float64)
  let condition = condition?.to(device)
  let parts = withoutGradients {
    stride(from: 0, to: x.size(0), by: batchSize).map { start in
      let range = start..<min(start + batchSize, x.size(0))
      let times = Tensor.full([range.count], t, dtype: dtype, device: device)
      return function(x[range].to(dtype).to(device), times, condition?[range]).detached().to(.cpu).to(.float64)
    }
  }
  let values = Tensor.concatenate(parts)
  try require(
    values.allFinite, "the \(name) is not finite along the curves: check their points and the model's weights")
  return values
}
