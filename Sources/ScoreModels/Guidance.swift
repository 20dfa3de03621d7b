internal import Files
public import Torch

/// Classifier-free guidance of a conditional score: s(x, ∅) + w·(s(x, c) − s(x, ∅)).
///
/// Ho & Salimans (2022), *Classifier-free diffusion guidance*, arXiv 2207.12598; their weight is w − 1. Larger weights
/// give samples that are more typical of their class and less varied. w = 1 is the conditional and w = 0 the
/// unconditional score. The base model must know the unconditional score too: conditions must have been dropped at
/// random in its training.
///
/// Costs two evaluations, or one if w is 0 or 1 or there is no condition. A ``ClampedScore`` belongs around this model,
/// not inside: see ``ScoreModel/guided(weight:)``.
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
    demand(weight.isFinite, "a guidance weight is a number, not \(weight)")
    self.base = base
    self.weight = weight
  }

  /// The guided score; without a condition, the unconditional score.
  public func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    guided(condition) { base.checkedScore(x, at: t, condition: $0) }
  }

  /// The guided denoiser: D is affine in the score, so the denoisers are combined in the same way.
  public func denoised(
    _ x: Tensor, at t: Tensor, process: any DiffusionProcess, condition: Tensor?
  ) -> Tensor {
    guided(condition) { base.checkedDenoised(x, at: t, process: process, condition: $0) }
  }

  /// The model with the energy E(x, ∅) + w·(E(x, c) − E(x, ∅)); `nil` if the base model has no energy.
  ///
  /// At each noise level it is the energy of the density p(x)·(p(x|c)/p(x))ʷ, up to a factor.
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
  /// The model with classifier-free guidance; the model itself if the weight is 1.
  ///
  /// For a ``ClampedScore`` the guided denoiser is clamped, as in diffusers: clip(D(∅) + w·(D(c) − D(∅))), where D is
  /// the denoiser before the clamp. Guidance outside of the clamp could leave the range.
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
    guidance.guided(condition) { base.checkedEnergy(x, at: t, condition: $0) }
  }

  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    guidance.score(x, at: t, condition: condition)
  }

  func denoised(_ x: Tensor, at t: Tensor, process: any DiffusionProcess, condition: Tensor?) -> Tensor {
    guidance.denoised(x, at: t, process: process, condition: condition)
  }

  var energyModel: (any EnergyModel)? { self }
}
