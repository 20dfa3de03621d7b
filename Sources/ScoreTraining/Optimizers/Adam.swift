internal import Files
internal import Foundation
public import Torch

/// Adam: Δθ = −η·m̂/(√v̂ + ε) with bias-corrected running means m̂ of g and v̂ of g².
///
/// Kingma & Ba (2015), arXiv 1412.6980. With `weightDecay` it is AdamW, Δθ = −η·(m̂/(√v̂ + ε) + λθ): Loshchilov & Hutter (2019), arXiv
/// 1711.05101. It keeps two vectors of the parameters' size.
public struct Adam: Optimizer {
  /// η, the factor of the updates.
  public var learningRate: Double
  /// β₁, the decay of the running mean of g.
  public let beta1: Double
  /// β₂, the decay of the running mean of g².
  public let beta2: Double
  /// ε, which keeps the division finite.
  public let epsilon: Double
  /// λ, the decay of the weights; 0 for none.
  public let weightDecay: Double
  private var step = 0
  private var firstMoments: [Tensor] = []
  private var secondMoments: [Tensor] = []

  /// Makes an optimizer.
  ///
  /// - Precondition: β₁ and β₂ are in 0 ..< 1, and ε is positive.
  public init(
    learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
    weightDecay: Double = 0
  ) {
    demand(
      (0..<1).contains(beta1) && (0..<1).contains(beta2) && epsilon > 0,
      "Adam needs β₁ and β₂ in 0 ..< 1 and a positive ε, not \(beta1), \(beta2) and \(epsilon)")
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
  }

  /// The updates Δθ of one step, of the gradients' shapes.
  public mutating func updates(for gradients: [Tensor], at parameters: [Tensor]) -> [Tensor] {
    if firstMoments.isEmpty {
      firstMoments = gradients.map { .zeros(like: $0) }
      secondMoments = firstMoments
    }
    step += 1
    return gradients.indices.map { i in
      let update: Tensor
      (update, firstMoments[i], secondMoments[i]) = gradients[i].adamStep(
        firstMoment: firstMoments[i], secondMoment: secondMoments[i], step: step, learningRate: learningRate,
        beta1: beta1, beta2: beta2, epsilon: epsilon)
      return weightDecay == 0 ? update : update - parameters[i] * (learningRate * weightDecay)
    }
  }

  /// Both running means of each parameter, and the number of steps.
  public var state: [String: Tensor] {
    numbered("exp_avg", firstMoments).merging(numbered("exp_avg_sq", secondMoments)) { first, _ in first }
      .merging(["step": Tensor([step])]) { first, _ in first }
  }

  /// 1/(√v̂ + ε) of the last step; `nil` before the first.
  public var preconditioner: [Tensor]? {
    guard step > 0 else { return nil }
    let correction = 1 - pow(beta2, Double(step))
    return secondMoments.map { (($0 / correction).sqrt() + epsilon).reciprocal() }
  }

  /// Takes over saved state.
  ///
  /// - Throws: `OptimizerStateError` if it lacks the step or a mean, or belongs to other parameters.
  public mutating func restore(_ state: [String: Tensor], for parameters: [Tensor]) throws {
    guard let step = counter(state["step"]) else {
      throw OptimizerStateError("the saved state of Adam lacks its step")
    }
    let moments = (unnumbered("exp_avg", state), unnumbered("exp_avg_sq", state))
    guard moments.0.count == moments.1.count, state.count == 1 + 2 * moments.0.count, moments.0.isEmpty == (step == 0)
    else { throw OptimizerStateError("the saved state of Adam does not hold both moments, or holds more") }
    if step > 0 {
      try checkAlike(moments.0, parameters, "exp_avg")
      try checkAlike(moments.1, parameters, "exp_avg_sq")
    }
    self.step = step
    (firstMoments, secondMoments) = moments
  }
}
