/// When weights are driven to zero, and how many.
///
/// The set of chosen weights grows at the first step of each interval, to the fraction 1 − (1 − k/n)³ of the target at the k-th of n
/// growths: fast at first, while many weights are of no use, and slowly at last (Zhu & Gupta 2017, *To prune, or not to prune*,
/// arXiv 1710.01878). Over the interval the chosen weights go to zero in a straight line, which the last of its steps ends
/// exactly. After the last interval the set stays, and training goes on with the others.
public struct SparsitySchedule: Hashable, Sendable {
  /// The first step, counted from 1, before which a set is chosen.
  public let start: Int
  /// The steps from one growth to the next.
  public let interval: Int
  /// The number of growths.
  public let growths: Int

  /// Makes a schedule.
  ///
  /// - Precondition: all are positive.
  public init(start: Int, interval: Int, growths: Int) {
    precondition(
      start > 0 && interval > 0 && growths > 0,
      "a schedule needs positive numbers, not a start of \(start), an interval of \(interval) and \(growths) growths")
    self.start = start
    self.interval = interval
    self.growths = growths
  }

  /// A schedule for a run of a number of steps: it starts after a twentieth of the run and ends after three fifths, in up to six
  /// growths.
  ///
  /// The chosen weights have many steps to go to zero in, to which the others can adapt, and the run has time left to recover.
  public init(steps: Int) {
    let start = 1 + steps / 20
    let length = max(1, steps * 3 / 5 - start + 1)
    let growths = min(6, length)
    self.init(start: start, interval: length / growths, growths: growths)
  }

  /// The last step of the last interval: from its end on the target is reached.
  public var end: Int { start + interval * growths - 1 }

  /// The fraction of the target that is chosen at a step.
  func fraction(at step: Int) -> Double {
    guard step >= start else { return 0 }
    let left = 1 - Double(min((step - start) / interval, growths - 1) + 1) / Double(growths)
    return 1 - left * left * left
  }

  /// The part of what is left of the chosen weights that a step takes away: 1/(the steps left in the interval).
  func rate(at step: Int) -> Double {
    guard step >= start, step <= end else { return 1 }
    return 1 / Double(interval - (step - start) % interval)
  }
}
