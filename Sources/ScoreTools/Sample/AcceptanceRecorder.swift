import Foundation
import ScoreKit

/// Records how often the proposals of a Metropolis sampler were accepted, over all steps and at the last noise level.
struct AcceptanceRecorder {
  private var total = (sum: 0.0, count: 0)
  private var levels: [Double: (sum: Double, count: Int)] = [:]
  private var last: Double?

  mutating func record(_ state: SamplerState) {
    guard let probabilities: [Double] = state.acceptance?.elements(), !probabilities.isEmpty else { return }
    let sum = probabilities.reduce(0, +)
    last = sum / Double(probabilities.count)
    total = (total.sum + sum, total.count + probabilities.count)
    let level = levels[state.sigma, default: (0, 0)]
    levels[state.sigma] = (level.sum + sum, level.count + probabilities.count)
  }

  /// The mean of the newest step, for the progress line; `nil` for samplers without proposals.
  var latest: String? { last.map { String(format: "acceptance %.2f", $0) } }

  /// The means in one sentence; `nil` for samplers without proposals.
  var summary: String? {
    guard total.count > 0, let (sigma, level) = levels.min(by: { $0.key < $1.key }) else { return nil }
    return String(
      format: "accepted %.1f %% of the proposals, %.1f %% at the last noise level %.3g",
      100 * total.sum / Double(total.count), 100 * level.sum / Double(level.count), sigma)
  }
}
