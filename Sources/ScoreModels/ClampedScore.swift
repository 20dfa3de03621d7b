public import Torch

/// A score model whose denoised values are kept in a range, for data that lie in it.
///
/// Many DDPM networks were made to be sampled so (`clip_sample` of diffusers' schedulers); Ho, Jain & Abbeel (2020), arXiv
/// 2006.11239, do it too. The score is that of the clamped denoiser, which is no longer differentiable everywhere.
public struct ClampedScore: ScoreModel {
  /// The model.
  public let base: any ScoreModel
  /// The process that it knows.
  public let process: any DiffusionProcess
  /// The largest absolute value of denoised data.
  public let limit: Double

  /// The parameters carry no prefix.
  public static var parameterNames: [String: String] { ["base": ""] }

  /// Limits the denoised values of a model.
  ///
  /// - Precondition: the limit is positive.
  public init(_ base: any ScoreModel, process: any DiffusionProcess, limit: Double = 1) {
    precondition(limit > 0, "denoised values need a positive limit, not \(limit)")
    self.base = base
    self.process = process
    self.limit = limit
  }

  /// (s·D − x)/(s²σ²) of the clamped denoiser D.
  public func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    NoiseLevels(of: process, at: t, like: x)
      .score(scaled: x, denoised: denoised(x, at: t, process: process, condition: condition))
  }

  /// The clamped denoiser.
  public func denoised(_ x: Tensor, at t: Tensor, process: any DiffusionProcess, condition: Tensor?) -> Tensor {
    base.denoised(x, at: t, process: process, condition: condition).clamped(to: -limit...limit)
  }
}
