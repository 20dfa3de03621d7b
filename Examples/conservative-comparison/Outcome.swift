import ScoreKit

/// What came of a training.
struct Outcome {
  let way: Way
  let steps: Int
  /// The steps that were projected.
  var projections = 0
  /// The mean time of a step, in seconds.
  var stepTime = Double.nan
  /// The time of all steps and of a fit after them.
  var time = Double.nan
  /// Of each held-out example.
  var losses: [Double] = []
  var evaluation: Evaluation?
  var samples = Tensor.zeros([0])
  /// For points of the plane.
  var field: ScoreField?

  init(way: Way, steps: Int) { (self.way, self.steps) = (way, steps) }

  var loss: Estimate { Estimate(meanOf: losses) }

  /// The difference of the losses, with the standard error of differences on the same examples and noise.
  func excess(over other: Outcome) -> Estimate { Estimate(meanOf: zip(losses, other.losses).map { $0 - $1 }) }

  /// The mean over the noise levels; its error is at most the mean of theirs.
  var nasym: Estimate {
    let levels = evaluation?.levels.map(\.nasym) ?? []
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
    return Estimate(value: mean(levels.map(\.value)), standardError: mean(levels.map(\.standardError)))
  }
}

/// Outcomes at an equal number of steps, or in equal time.
struct Comparison {
  enum Budget: String, CaseIterable, Sendable {
    case steps, time

    var name: String { self == .steps ? "equal steps" : "equal time" }
  }

  let budget: Budget
  let outcomes: [Outcome]
  var reference: Outcome? { outcomes.first { $0.way == .off } }
}
