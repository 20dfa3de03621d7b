import ScoreKit
import TestSupport
import Testing

@testable import conservative_comparison

@Suite struct TimeBudgetTests {
  @Test func plainStepsFillTheBudget() {
    #expect(Cost(step: 0.25).steps(within: 10) { _ in 0 } == 40)
    #expect(Cost(step: 0.25).steps(within: 10.2) { _ in 0 } == 40)
    #expect(Cost(step: 0.25, after: 4).steps(within: 10) { _ in 0 } == 24)
    #expect(Cost(step: 1, after: 11).steps(within: 10) { _ in 0 } == 0)
  }

  @Test(arguments: [1, 3, 12, 25, 60, 400, 1000] as [Double])
  func projectedStepsFillTheBudget(budget: Double) {
    let cost = Cost(step: 1, projectedStep: 7)
    func projections(_ steps: Int) -> Int { steps / max(1, steps / 12) }
    let steps = cost.steps(within: budget, projections: projections)
    func time(_ steps: Int) -> Double { cost.time(steps: steps, projections: projections(steps)) }
    #expect(time(steps) <= budget)
    #expect((steps + 1...steps + 50).allSatisfy { time($0) > budget })
  }

  @Test func timeIsThatOfBothKindsOfSteps() {
    let cost = Cost(step: 2, projectedStep: 5, after: 7)
    #expect(cost.time(steps: 10, projections: 3) == 7 * 2 + 3 * 5 + 7)
    #expect(Cost(step: 2).time(steps: 10, projections: 3) == 20)
  }

  @Test func theMedianIsInTheMiddle() {
    #expect(median([]) == nil)
    #expect(median([3, 1, 2]) == 2)
    #expect(median([4, 1, 100, 2]) == 3)
  }

  @Test func waysThatLeaveNoStepsAreRefused() throws {
    let experiment = try smallExperiment()
    let costs: [Way.Kind: Cost] = [.off: Cost(step: 1), .penalty: Cost(step: 2), .fit: Cost(step: 1, after: 40)]
    #expect(
      try experiment.steps(inTimeOf: 100, costs, for: [.off, .penalty(3), .fit])
        == [.off: 100, .penalty(3): 50, .fit: 60])
    let error = #expect(throws: RunError.self) {
      try experiment.steps(inTimeOf: 100, [.off: Cost(step: 1), .fit: Cost(step: 1, after: 99)], for: [.fit])
    }
    #expect(error?.description.contains("--fit-points") == true)
    // A projection each 8 steps, a twelfth of 100, leaves 60 steps with 12 projections each of 5 or so.
    let projected = try experiment.steps(
      inTimeOf: 100, [.off: Cost(step: 1), .projection: Cost(step: 1, projectedStep: 5)],
      for: [.projection(12), .projection(3)])
    let steps = try #require(projected[.projection(12)])
    #expect(steps + 4 * (steps / (steps / 12)) <= 100 && steps > 40)
    #expect(projected[.projection(3)] == 88)
  }
}

/// Of a small network on the bundled digits.
func smallExperiment(
  steps: Int = 20, seed: UInt64 = 0, fitPoints: Int = 32
) throws -> Experiment {
  var options = RunConfiguration()
  options.data = "digits"
  (options.model, options.width, options.blocks) = (.mlp, 24, 1)
  (options.steps, options.batchSize, options.learningRate, options.seed) = (steps, 16, 2e-3, seed)
  return try Experiment(
    data: .digits(), options: options, fitSteps: 2, fitPoints: fitPoints, evaluationCount: 6)
}
