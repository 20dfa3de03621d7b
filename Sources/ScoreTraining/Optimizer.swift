public import Torch

/// A rule that turns gradients into updates.
///
/// It returns the updates Δθ and leaves the parameters alone: the trainer adds them, so that a wrapper, such as a
/// projection onto constraints, can have the last word.
public protocol Optimizer {
  /// The factor of the updates; a schedule sets it before each step.
  var learningRate: Double { get set }
  /// The updates Δθ, of the parameters' shapes.
  ///
  /// - Throws: an optimizer that solves a problem of its own may fail.
  mutating func updates(for gradients: [Tensor], at parameters: [Tensor]) throws -> [Tensor]
  /// What must be saved to go on exactly: tensors by name.
  var state: [String: Tensor] { get }
  /// Takes over saved state.
  ///
  /// - Throws: `OptimizerStateError` where a name is missing.
  mutating func restore(_ state: [String: Tensor]) throws
}

/// Saved state that does not belong to an optimizer.
public struct OptimizerStateError: Error, Equatable, CustomStringConvertible {
  /// One sentence.
  public let description: String

  /// Makes an error.
  public init(_ description: String) { self.description = description }
}

/// Gradient descent with momentum: v ← μ·v + g, Δθ = −η·v.
public struct SGD: Optimizer {
  /// η.
  public var learningRate: Double
  /// μ, in 0 ..< 1.
  public let momentum: Double
  private var velocities: [Tensor] = []

  /// Makes an optimizer.
  public init(learningRate: Double, momentum: Double = 0) {
    precondition((0..<1).contains(momentum), "the momentum must be in 0 ..< 1, not \(momentum)")
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

  /// The velocities.
  public var state: [String: Tensor] { numbered("momentum_buffer", velocities) }

  /// Takes over velocities.
  public mutating func restore(_ state: [String: Tensor]) {
    velocities = unnumbered("momentum_buffer", state)
  }
}

/// Adam: Δθ = −η·m̂/(√v̂ + ε) with bias-corrected running means of g and g², and decoupled weight decay where asked for.
///
/// Kingma & Ba (2015), arXiv 1412.6980; with `weightDecay` AdamW, Δθ = −η·(m̂/(√v̂ + ε) + λθ), Loshchilov & Hutter (2019),
/// arXiv 1711.05101.
public struct Adam: Optimizer {
  /// η.
  public var learningRate: Double
  /// The decay of the running mean of g.
  public let beta1: Double
  /// The decay of the running mean of g².
  public let beta2: Double
  /// ε.
  public let epsilon: Double
  /// λ.
  public let weightDecay: Double
  private var step = 0
  private var firstMoments: [Tensor] = []
  private var secondMoments: [Tensor] = []

  /// Makes an optimizer.
  ///
  /// - Precondition: β₁ and β₂ are in 0 ..< 1, ε is positive.
  public init(
    learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
    weightDecay: Double = 0
  ) {
    precondition(
      (0..<1).contains(beta1) && (0..<1).contains(beta2) && epsilon > 0,
      "Adam needs β₁ and β₂ in 0 ..< 1 and a positive ε, not \(beta1), \(beta2) and \(epsilon)")
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
  }

  /// The updates of one step.
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

  /// Both running means and the number of steps.
  public var state: [String: Tensor] {
    numbered("exp_avg", firstMoments).merging(numbered("exp_avg_sq", secondMoments)) { first, _ in first }
      .merging(["step": Tensor([step])]) { first, _ in first }
  }

  /// Takes over saved state.
  public mutating func restore(_ state: [String: Tensor]) throws(OptimizerStateError) {
    guard let step = state["step"], step.elementCount == 1, step.dtype == .int64, step.item() >= 0 else {
      throw OptimizerStateError("the saved state of Adam lacks its step")
    }
    let moments = (unnumbered("exp_avg", state), unnumbered("exp_avg_sq", state))
    guard moments.0.map(\.shape) == moments.1.map(\.shape), state.count == 1 + 2 * moments.0.count else {
      throw OptimizerStateError("the saved state of Adam does not hold as many first as second moments")
    }
    self.step = Int(step.item())
    (firstMoments, secondMoments) = moments
  }
}

private func numbered(_ name: String, _ tensors: [Tensor]) -> [String: Tensor] {
  Dictionary(uniqueKeysWithValues: tensors.enumerated().map { ("\(name).\($0)", $1) })
}

private func unnumbered(_ name: String, _ state: [String: Tensor]) -> [Tensor] {
  var tensors: [Tensor] = []
  while let tensor = state["\(name).\(tensors.count)"] { tensors.append(tensor) }
  return tensors
}
