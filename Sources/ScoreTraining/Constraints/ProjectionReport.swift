import Foundation
public import LeastSquares

/// An optimizer that projects its updates onto a constraint, and reports each projection.
public protocol ProjectingOptimizer: Optimizer {
  /// What the last updates did about the constraint; `nil` if they were not projected.
  var projectionReport: ProjectionReport? { get }
}

/// What a projected step did about its constraint.
public struct ProjectionReport: Codable, Hashable, Sendable {
  /// ‖c‖ before the step.
  public let constraintNorm: Double
  /// ‖A·Δθ′ + γ·c‖: the part of the wanted correction that the update misses, to first order.
  public let residualNorm: Double
  /// The iterations of the solver, for gradients and updates together; 0 for a direct solution or a closed form.
  public let iterations: Int
  /// Why the solver stopped.
  public let stopReason: StopReason
  /// The constraint's own measurements, by name.
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

  /// This report with the iterations of an earlier projection in the same step.
  func adding(iterations earlier: Int) -> ProjectionReport {
    ProjectionReport(
      constraintNorm: constraintNorm, residualNorm: residualNorm, iterations: earlier + iterations,
      stopReason: stopReason, measurements: measurements)
  }

  /// A few words for a line of progress.
  public var summary: String {
    let numbers = String(format: "‖c‖ %.1e  ‖AΔθ+γc‖ %.1e", constraintNorm, residualNorm)
    let own = measurements.sorted { $0.key < $1.key }.map { String(format: "%@ %.3g  ", $0.key, $0.value) }.joined()
    return "\(own)\(numbers) in \(iterations) (\(stopReason))"
  }
}
