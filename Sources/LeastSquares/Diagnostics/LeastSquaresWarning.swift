internal import Foundation

/// A reason not to trust a least-squares solution, or the choice of a damping.
public enum LeastSquaresWarning: Error, Equatable, CustomStringConvertible {
  /// The solver stopped before it met its tolerances.
  case notConverged(StopReason, iterations: Int)
  /// Errors of the right-hand side may be multiplied by about this condition number in x.
  case illConditioned(condition: Double)
  /// The columns or rows are linearly dependent: there are many minimisers, and x is the one of least norm.
  case rankDeficient(rank: Int, fullRank: Int)
  /// A damping that was chosen by products still changed when the limit of steps was reached.
  case dampingNotSettled(steps: Int)

  /// One sentence: what is wrong, and what to do about it.
  public var description: String {
    switch self {
    case .notConverged(let reason, let iterations):
      "the least-squares solver stopped after \(iterations) iterations without convergence: \(reason.explanation)"
    case .illConditioned(let condition):
      "the condition number is about \(Self.short(condition)), so errors of the right-hand side may be multiplied by that; "
        + "add damping or use float64"
    case .rankDeficient(let rank, let fullRank):
      "the operator has the numerical rank \(rank) of \(fullRank); the solution is the one of least norm"
    case .dampingNotSettled(let steps):
      "the chosen damping still changed after \(steps) steps; raise the limit of steps"
    }
  }

  private static func short(_ value: Double) -> String { String(format: "%.1e", value) }
}
