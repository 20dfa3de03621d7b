import Foundation
public import LeastSquares

/// What a projected step did about its constraint.
public struct ProjectionReport: Codable, Hashable, Sendable {
  /// ‖c‖ before the step.
  public let constraintNorm: Double
  /// ‖A·Δθ′ + γ·c‖: by how much the update misses what it should do to the constraint, to first order.
  public let residualNorm: Double
  /// The iterations of the solver, for gradients and updates together; 0 for a direct solution or a closed form.
  public let iterations: Int
  /// Why the solver stopped.
  public let stopReason: StopReason
  /// What the constraint says about itself.
  public let measurements: [String: Double]

  /// Makes a report.
  public init(
    constraintNorm: Double, residualNorm: Double, iterations: Int, stopReason: StopReason,
    measurements: [String: Double] = [:]
  ) {
    self.constraintNorm = constraintNorm
    self.residualNorm = residualNorm
    self.iterations = iterations
    self.stopReason = stopReason
    self.measurements = measurements
  }

  /// A few words for a line of progress.
  public var summary: String {
    let numbers = String(format: "‖c‖ %.1e  ‖AΔθ+γc‖ %.1e", constraintNorm, residualNorm)
    let own = measurements.sorted { $0.key < $1.key }.map { String(format: "%@ %.3g  ", $0.key, $0.value) }.joined()
    return "\(own)\(numbers) in \(iterations) (\(stopReason))"
  }
}
