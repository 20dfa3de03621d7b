import Plotting
import Testing

@testable import ScoreRuns

@Suite struct LossCurveTests {
  private func chart(_ loss: (Double) -> Double, count: Int = 400) -> LineChart {
    .loss((1...count).map { (Double(10 * $0), loss(Double($0))) })
  }

  @Test func wideLossesHaveALogarithmicAxis() {
    #expect(chart { 100 / $0 }.yScale == .logarithmic)
    #expect(chart { 1 + 1 / $0 }.yScale == .linear)
    // Losses of some objectives are negative.
    #expect(chart { 100 / $0 - 1 }.yScale == .linear)
    // A single outlier does not decide.
    #expect(chart { $0 == 200 ? 10 : 1 }.yScale == .linear)
    #expect(chart({ $0 }, count: 1).yScale == .linear)
  }

  @Test func theCurveLiesOverTheLosses() throws {
    let chart = chart { $0.truncatingRemainder(dividingBy: 2) }
    #expect(chart.xLabel == "training step" && chart.yLabel == "loss")
    let series = try #require(chart.series.first)
    #expect(series.raw.count == 400 && series.points.dropFirst(5).dropLast(5).allSatisfy { abs($0.y - 0.5) < 0.1 })
    #expect(chart.image() == chart.image())
  }
}
