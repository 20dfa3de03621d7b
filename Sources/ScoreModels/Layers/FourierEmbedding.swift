internal import Files
public import Torch

/// Sines and cosines of log σ at random frequencies.
///
/// Tancik et al. (2020), *Fourier features let networks learn high frequency functions in low dimensional domains*, arXiv
/// 2006.10739; Song et al. (2021), arXiv 2011.13456.
///
/// With w ~ N(0, scale²) the embedding of σ is (sin 2πw₁ log σ, …, cos 2πw₁ log σ, …).
public struct FourierEmbedding: Module {
  /// The frequencies w `[features/2]`; they are saved with the model, but their gradient is zero.
  public let weight: Parameter

  /// Makes an embedding of `features` numbers.
  ///
  /// - Precondition: `features` is positive and even.
  public init(_ features: Int, scale: Double = 16, using generator: inout RandomGenerator) {
    demand(features > 0 && features % 2 == 0, "a Fourier embedding needs an even length, not \(features)")
    weight = Parameter(generator.normal([features / 2]) * scale)
  }

  /// Maps noise levels σ > 0 `[batch]` to `[batch, features]`.
  public func callAsFunction(_ sigma: Tensor) -> Tensor {
    let frequencies = weight.value.detached().to(sigma.dtype)
    let angles = sigma.log().expandingDimension(at: 1) * frequencies * (2 * Double.pi)
    return .concatenate([angles.sin(), angles.cos()], along: 1)
  }
}
