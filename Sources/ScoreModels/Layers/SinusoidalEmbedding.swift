internal import Files
import Foundation
public import Torch

/// Sines and cosines of a number at geometrically spaced frequencies.
///
/// Vaswani et al. (2017), *Attention is all you need*, arXiv 1706.03762.
///
/// With h = features/2 the frequencies are ωᵢ = maximumPeriod^(−i/(h − shift)), i = 0 … h−1, and the embedding of t is
/// (sin ω₀t, …, sin ωₕ₋₁t, cos ω₀t, …, cos ωₕ₋₁t), or with the cosines first.
public struct SinusoidalEmbedding: Sendable {
  /// The length of an embedding.
  public let features: Int
  /// Whether the cosines come before the sines.
  public let cosinesFirst: Bool
  private let frequencies: [Float]

  /// Makes an embedding; if the length is odd, its last element is 0.
  public init(_ features: Int, maximumPeriod: Double = 10_000, shift: Double = 0, cosinesFirst: Bool = true) {
    demand(features >= 2, "a sinusoidal embedding needs at least 2 features, not \(features)")
    self.features = features
    self.cosinesFirst = cosinesFirst
    let half = features / 2
    frequencies = (0..<half).map { Float(exp(-log(maximumPeriod) * Double($0) / max(Double(half) - shift, 1))) }
  }

  /// Maps t `[batch]` to `[batch, features]`.
  public func callAsFunction(_ t: Tensor) -> Tensor {
    let angles = t.expandingDimension(at: 1) * Tensor(frequencies).to(t.dtype).to(t.device)
    var parts = cosinesFirst ? [angles.cos(), angles.sin()] : [angles.sin(), angles.cos()]
    if features % 2 == 1 { parts.append(.zeros([t.size(0), 1], dtype: t.dtype, device: t.device)) }
    return .concatenate(parts, along: 1)
  }
}
