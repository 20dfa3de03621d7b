public import Torch

/// A score model with a learned estimate u(σ) of the logarithm of its weighted loss at each noise level.
///
/// Training with `UncertaintyWeighting` divides the loss of each noise level by e^u, so that easy and hard levels count
/// alike. u is a cosine series in log σ. The score is the score of the base model, whose parameters keep their names.
///
/// Karras et al. (2024), *Analyzing and improving the training dynamics of diffusion models*, arXiv 2312.02696, section 2.2
/// and appendix B.
public struct UncertainScore: ScoreModel {
  /// The model.
  public let base: any ScoreModel
  /// The coefficients of the series, 0 at first.
  public let uncertainty: Parameter

  /// The parameters of the base model carry no prefix.
  public static var parameterNames: [String: String] { ["base": ""] }

  private static let termCount = 32
  /// The range of log σ in which the series does not repeat: σ from 0.0006 to 1,100.
  private static let range = (start: -7.4, length: 14.4)

  /// Wraps a model; u starts at 0 for every noise level.
  public init(_ base: any ScoreModel) {
    self.base = base
    uncertainty = Parameter(.zeros([Self.termCount]).to(base.computationDType ?? .float32).to(base.device))
  }

  /// u at noise levels σ `[batch]`: Σₖ wₖ·cos(kπ(log σ + 7.4)/14.4), recorded.
  public func logLoss(_ sigma: Tensor) -> Tensor {
    let weights = uncertainty.value
    let phase = ((sigma.to(weights.dtype).log() - Self.range.start) * (Double.pi / Self.range.length))
    let order = Tensor.range(0, to: Double(Self.termCount), dtype: weights.dtype).to(sigma.device)
    return (phase.expandingDimension(at: 1) * order).cos().matmul(weights.expandingDimension(at: 1)).squeezed(1)
  }

  /// The score of the base model.
  public func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    base.checkedScore(x, at: t, condition: condition)
  }

  /// The denoiser of the base model.
  public func denoised(_ x: Tensor, at t: Tensor, process: any DiffusionProcess, condition: Tensor?) -> Tensor {
    base.checkedDenoised(x, at: t, process: process, condition: condition)
  }

  /// The energy of the base model.
  public var energyModel: (any EnergyModel)? { base.energyModel }
}
