internal import Files
public import Torch

/// A score model whose denoised values are clamped to [−limit, limit], the range of the data.
///
/// Many DDPM networks expect this clamp when they are sampled (`clip_sample` of diffusers' schedulers); Ho, Jain &
/// Abbeel (2020), arXiv 2006.11239, use it too. The score is computed from the clamped denoiser, which is not
/// differentiable everywhere.
public struct ClampedScore: ScoreModel {
  /// The model.
  public let base: any ScoreModel
  /// The process whose noisy data the model scores.
  public let process: any DiffusionProcess
  /// The largest absolute value of denoised data.
  public let limit: Double

  /// The parameters carry no prefix.
  public static var parameterNames: [String: String] { ["base": ""] }

  /// Limits the denoised values of a model.
  ///
  /// - Precondition: the limit is positive.
  public init(_ base: any ScoreModel, process: any DiffusionProcess, limit: Double = 1) {
    demand(limit > 0, "denoised values need a positive limit, not \(limit)")
    self.base = base
    self.process = process
    self.limit = limit
  }

  /// (s·D − x)/(s²σ²) of the clamped denoiser D.
  public func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    NoiseLevels(of: process, at: t, like: x)
      .score(scaled: x, denoised: denoised(x, at: t, process: process, condition: condition))
  }

  /// The denoiser of the base model, clamped to [−limit, limit].
  public func denoised(_ x: Tensor, at t: Tensor, process: any DiffusionProcess, condition: Tensor?) -> Tensor {
    base.checkedDenoised(x, at: t, process: process, condition: condition).clamped(to: -limit...limit)
  }
}
