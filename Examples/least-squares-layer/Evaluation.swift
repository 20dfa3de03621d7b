import Foundation
import ScoreKit

/// New tasks to judge networks by.
struct Evaluation {
  let known: Examples
  let queries: Examples

  /// Draws tasks of each of which some points are known; errors are measured at 100 points from end to end.
  init(tasks: Int, shots: Int, using generator: inout RandomGenerator) {
    let tasks = SinusoidTasks(count: tasks, using: &generator)
    known = tasks.examples(perTask: shots, using: &generator)
    queries = tasks.evenExamples(perTask: 100)
  }

  /// The mean squared error of each task.
  func errors(of model: FewShotRegressor) throws -> [Double] {
    try withoutGradients {
      (try model.predictions(at: queries.x, from: known) - queries.y).square().mean(1).elements()
    }
  }

  /// Their mean, with its standard error.
  func error(of model: FewShotRegressor) throws -> (mean: Double, standardError: Double) {
    let errors = try errors(of: model)
    let count = Double(errors.count)
    let mean = errors.reduce(0, +) / count
    let variance = errors.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
    return (mean, (variance / count).squareRoot())
  }

  /// A network for features that came about without a damping: of δ = 10⁻³, 10⁻²·⁵, …, 10 it has the best for these tasks.
  func bestRegressor(for features: FeatureNetwork) throws -> FewShotRegressor {
    let candidates = (-6...2).map { exponent in
      FewShotRegressor(features: features, layer: LeastSquaresLayer(damping: pow(10, Double(exponent) / 2)))
    }
    let means = try candidates.map { try error(of: $0).mean }
    let best = means.indices.min { means[$0] < means[$1] } ?? 0
    return candidates[best]
  }
}
