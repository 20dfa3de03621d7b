import Foundation
import ScoreKit

/// Draws charts of new tasks: the true curves, their known points, and the predictions before and after training.
func picture(of tasks: SinusoidTasks, known: Examples, before: FewShotRegressor, after: FewShotRegressor) throws
  -> Image
{
  let truth = tasks.evenExamples(perTask: 201)
  let (first, last) = try withoutGradients {
    (try before.predictions(at: truth.x, from: known), try after.predictions(at: truth.x, from: known))
  }
  func points(_ x: Tensor, _ y: Tensor, _ task: Int) -> [(x: Double, y: Double)] {
    Array(zip(x[task].elements(as: Double.self), y[task].elements(as: Double.self)))
  }
  func error(_ predictions: Tensor, _ task: Int) -> String {
    String(format: "%.2f", (predictions[task] - truth.y[task]).square().mean().item())
  }
  let charts = (0..<tasks.count).map { task in
    var chart = LineChart(
      title: "mean squared error \(error(first, task)) before, \(error(last, task)) after", xLabel: "x", yLabel: "y",
      series: [
        .init("true curve", points: points(truth.x, truth.y, task)),
        .init("before training", points: points(truth.x, first, task)),
        .init("after training", points: points(truth.x, last, task)),
      ], marks: [.init("known points", points: points(known.x, known.y, task))], width: 480, height: 340)
    chart.yRange = -6...6
    chart.series[0].isDashed = true
    return chart.image()
  }
  return ImageGrid(columns: 2, padding: 0).image(of: charts)
}
