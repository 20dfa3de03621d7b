public import Torch

/// An estimate of the score ∇ₓ log pₜ(x) of data that a diffusion process has made noisy.
///
/// A model of your own conforms with `score(_:at:condition:)` alone; it is trained, sampled from and saved like the
/// built-in ones.
///
/// Song et al. (2021), *Score-based generative modeling through stochastic differential equations*, arXiv 2011.13456.
public protocol ScoreModel: Module {
  /// The score at x `[batch, …]` and times t `[batch]`: a tensor of x's shape.
  ///
  /// - Parameter condition: what the distribution depends on, with one entry for each example, such as class labels
  ///   `[batch]`; `nil` for the unconditional score. A model without conditions ignores it.
  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor

  /// The denoiser D(x, t) = E[x₀ | xₜ = x] that belongs to the score.
  ///
  /// The default is Tweedie's formula, D = (x + s²σ²·score)/s. A model that computes the denoiser first implements this
  /// function itself and avoids the detour through the score.
  func denoised(_ x: Tensor, at t: Tensor, process: any DiffusionProcess, condition: Tensor?) -> Tensor

  /// The same model with its energy, or `nil` if it has none.
  ///
  /// By default the model itself if it is an `EnergyModel`. A wrapper computes its energy from the energy of its base.
  var energyModel: (any EnergyModel)? { get }
}

extension ScoreModel {
  /// The unconditional score.
  public func score(_ x: Tensor, at t: Tensor) -> Tensor { score(x, at: t, condition: nil) }

  /// The unconditional denoiser.
  public func denoised(_ x: Tensor, at t: Tensor, process: any DiffusionProcess) -> Tensor {
    denoised(x, at: t, process: process, condition: nil)
  }

  /// The denoiser from the score by Tweedie's formula (Efron 2011).
  public func denoised(_ x: Tensor, at t: Tensor, process: any DiffusionProcess, condition: Tensor?) -> Tensor {
    NoiseLevels(of: process, at: t, like: x).denoised(scaled: x, score: checkedScore(x, at: t, condition: condition))
  }

  /// The model itself if it is an `EnergyModel`.
  public var energyModel: (any EnergyModel)? { self as? any EnergyModel }

  /// The element type that the model computes in: the type of its first parameter; `nil` without parameters.
  public var computationDType: DType? { parameters().first?.value.dtype }

  /// The device of the model's first parameter; the processor without parameters.
  public var device: Device { parameters().first?.value.device ?? .cpu }
}
