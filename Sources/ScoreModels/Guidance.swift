public import Torch

/// A conditional score that is led further away from the unconditional one: s(x, ∅) + w·(s(x, c) − s(x, ∅)).
///
/// Ho & Salimans (2022), *Classifier-free diffusion guidance*, arXiv 2207.12598; their weight is w − 1. Larger weights give
/// samples that are more typical of their class and less varied. w = 1 is the conditional and w = 0 the unconditional
/// score. The base model must have been trained with conditions that were left out now and then.
///
/// Costs two evaluations; one if w is 0 or 1 or there is no condition. A limit of denoised values belongs around it: see
/// ``ScoreModel/guided(weight:)``.
public struct ClassifierFreeGuidance: ScoreModel {
  /// The conditional model.
  public let base: any ScoreModel
  /// The weight w.
  public let weight: Double

  /// The parameters carry no prefix.
  public static var parameterNames: [String: String] { ["base": ""] }

  /// Makes a guided model.
  ///
  /// - Precondition: `weight` is finite.
  public init(_ base: any ScoreModel, weight: Double) {
    precondition(weight.isFinite, "a guidance weight is a number, not \(weight)")
    self.base = base
    self.weight = weight
  }

  /// The guided score; the unconditional one without a condition.
  public func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    guided(condition) { base.score(x, at: t, condition: $0) }
  }

  /// The guided denoiser: D is affine in the score, so it is the same combination of denoisers.
  public func denoised(
    _ x: Tensor, at t: Tensor, process: any DiffusionProcess, condition: Tensor?
  ) -> Tensor {
    guided(condition) { base.denoised(x, at: t, process: process, condition: $0) }
  }

  /// The same model with its energy E(x, ∅) + w·(E(x, c) − E(x, ∅)), where the base model has one.
  ///
  /// It belongs to the density p(x)·(p(x|c)/p(x))ʷ at each noise level.
  public var energyModel: (any EnergyModel)? {
    base.energyModel.map { GuidedEnergy(base: $0, weight: weight) }
  }

  fileprivate func guided(_ condition: Tensor?, _ evaluate: (Tensor?) -> Tensor) -> Tensor {
    guard let condition, weight != 0 else { return evaluate(nil) }
    if weight == 1 { return evaluate(condition) }
    let unconditional = evaluate(nil)
    return unconditional + weight * (evaluate(condition) - unconditional)
  }
}

extension ScoreModel {
  /// The model with classifier-free guidance, where the weight is not 1.
  ///
  /// A limit of denoised values is kept by the guided ones, as in diffusers: clip(D(∅) + w·(D(c) − D(∅))), with the D of the
  /// model without a limit. Guidance around a ``ClampedScore`` would leave the limit.
  public func guided(weight: Double) -> any ScoreModel {
    if weight == 1 { return self }
    guard let clamped = self as? ClampedScore else { return ClassifierFreeGuidance(self, weight: weight) }
    return ClampedScore(clamped.base.guided(weight: weight), process: clamped.process, limit: clamped.limit)
  }
}

/// A guided score with its energy.
private struct GuidedEnergy: EnergyModel {
  let base: any EnergyModel
  let weight: Double

  static var parameterNames: [String: String] { ClassifierFreeGuidance.parameterNames }

  private var guidance: ClassifierFreeGuidance { ClassifierFreeGuidance(base, weight: weight) }

  func energy(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    guidance.guided(condition) { base.energy(x, at: t, condition: $0) }
  }

  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    guidance.score(x, at: t, condition: condition)
  }

  func denoised(_ x: Tensor, at t: Tensor, process: any DiffusionProcess, condition: Tensor?) -> Tensor {
    guidance.denoised(x, at: t, process: process, condition: condition)
  }

  var energyModel: (any EnergyModel)? { self }
}
