import Foundation

/// The learning rate of each step of a run: a linear warm-up, then a decay.
public struct LearningRateSchedule: Codable, Hashable, Sendable {
  /// The shape of the schedule after the warm-up.
  public enum Decay: String, Codable, Hashable, Sendable, CaseIterable {
    /// The rate stays at its peak.
    case constant
    /// Half a cosine, which reaches 0 after the last step (Loshchilov & Hutter 2017, arXiv 1608.03983).
    case cosine
    /// A straight line, which reaches 0 after the last step.
    case linear
  }

  /// The rate at the end of the warm-up.
  public var peak: Double
  /// The number of steps over which the rate grows linearly to its peak.
  public var warmupSteps: Int
  /// The shape of the schedule after the warm-up.
  public var decay: Decay
  /// The number of steps of the run.
  public var steps: Int

  /// Makes a schedule.
  public init(peak: Double, warmupSteps: Int = 0, decay: Decay = .constant, steps: Int) {
    self.peak = peak
    self.warmupSteps = warmupSteps
    self.decay = decay
    self.steps = steps
  }

  /// The rate of a step; steps count from 1.
  public func rate(at step: Int) -> Double {
    let warmup = warmupSteps > 0 ? min(1, Double(step) / Double(warmupSteps)) : 1
    let length = Double(max(steps - warmupSteps, 1))
    // The first step after the warm-up has the full rate, and the last step one above 0.
    let progress = min(max(Double(step - 1 - warmupSteps) / length, 0), 1)
    let factor =
      switch decay {
      case .constant: 1.0
      case .cosine: 0.5 * (1 + cos(.pi * progress))
      case .linear: 1 - progress
      }
    return peak * warmup * factor
  }
}
