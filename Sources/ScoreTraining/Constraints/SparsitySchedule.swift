internal import Files

/// When weights go to zero, and how many.
///
/// The set of chosen weights grows at the first step of each interval. At the k-th of n growths it reaches the fraction 1 − (1 − k/n)³
/// of the target: it grows fast at first, while many weights are of no use, and slowly at the end (Zhu & Gupta 2017, *To prune, or not
/// to prune*, arXiv 1710.01878). During the interval the chosen weights go to zero in a straight line, and the last step of the
/// interval makes them exactly 0. After the last interval the set stays as it is, and training continues with the other weights.
public struct SparsitySchedule: Hashable, Sendable {
  /// The step, counted from 1, that chooses the first set.
  public let start: Int
  /// The steps from one growth to the next.
  public let interval: Int
  /// The number of growths.
  public let growths: Int

  /// Makes a schedule.
  ///
  /// - Precondition: all are positive.
  public init(start: Int, interval: Int, growths: Int) {
    demand(
      start > 0 && interval > 0 && growths > 0,
      "a schedule needs positive numbers, not a start of \(start), an interval of \(interval) and \(growths) growths")
    self.start = start
    self.interval = interval
    self.growths = growths
  }

  /// A schedule for a run of a number of steps, with up to six growths between 1/20 and 3/5 of the run.
  ///
  /// So the chosen weights go to zero slowly enough for the others to adapt, and the run has time left to recover.
  public init(steps: Int) {
    let start = 1 + steps / 20
    let length = max(1, steps * 3 / 5 - start + 1)
    let growths = min(6, length)
    self.init(start: start, interval: length / growths, growths: growths)
  }

  /// The last step of the last interval, which reaches the target.
  public var end: Int { start + interval * growths - 1 }

  /// The fraction of the target that is chosen at a step.
  func fraction(at step: Int) -> Double {
    guard step >= start else { return 0 }
    let left = 1 - Double(min((step - start) / interval, growths - 1) + 1) / Double(growths)
    return 1 - left * left * left
  }

  /// The fraction of the chosen weights' values that a step takes away: 1/(the steps left in the interval).
  func rate(at step: Int) -> Double {
    guard step >= start, step <= end else { return 1 }
    return 1 / Double(interval - (step - start) % interval)
  }
}
