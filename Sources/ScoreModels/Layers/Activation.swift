public import Torch

/// An elementwise nonlinearity, under the names that configurations use.
public enum Activation: String, Codable, CaseIterable, Sendable {
  /// x·σ(x), also called swish (Elfwing, Uchibe & Doya 2017, arXiv 1702.03118).
  case silu
  /// x·tanh(log(1 + eˣ)) (Misra 2019, arXiv 1908.08681).
  case mish
  /// x·Φ(x) with the normal distribution function Φ (Hendrycks & Gimpel 2016, arXiv 1606.08415).
  case gelu
  /// max(x, 0); its second derivative is 0 wherever it exists.
  case relu

  /// The nonlinearity of every element.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .silu: x.silu()
    case .mish: x.mish()
    case .gelu: x.gelu()
    case .relu: x.relu()
    }
  }
}
