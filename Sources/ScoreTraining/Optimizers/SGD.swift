internal import Files
public import Torch

/// Gradient descent with momentum: v ← μ·v + g, Δθ = −η·v.
public struct SGD: Optimizer {
  /// η, the factor of the updates.
  public var learningRate: Double
  /// μ, in 0 ..< 1; 0 for no momentum.
  public let momentum: Double
  private var velocities: [Tensor] = []

  /// Makes an optimizer.
  ///
  /// - Precondition: μ is in 0 ..< 1.
  public init(learningRate: Double, momentum: Double = 0) {
    demand((0..<1).contains(momentum), "the momentum must be in 0 ..< 1, not \(momentum)")
    self.learningRate = learningRate
    self.momentum = momentum
  }

  /// −η·v for each gradient.
  public mutating func updates(for gradients: [Tensor], at parameters: [Tensor]) -> [Tensor] {
    guard momentum > 0 else { return gradients.map { $0 * -learningRate } }
    velocities =
      velocities.isEmpty ? gradients : zip(velocities, gradients).map { velocity, g in velocity * momentum + g }
    return velocities.map { $0 * -learningRate }
  }

  /// The velocity of each parameter; empty without momentum.
  public var state: [String: Tensor] { numbered("momentum_buffer", velocities) }

  /// Takes over saved velocities.
  ///
  /// - Throws: `OptimizerStateError` if they belong to other parameters.
  public mutating func restore(_ state: [String: Tensor], for parameters: [Tensor]) throws {
    let saved = unnumbered("momentum_buffer", state)
    guard state.count == saved.count else {
      throw OptimizerStateError("the saved state holds more than the velocities of gradient descent")
    }
    if !saved.isEmpty { try checkAlike(saved, parameters, "momentum_buffer") }
    velocities = saved
  }
}
