import ScoreKit

/// The part of the network before its last layer, φ: R → Rᵏ.
struct FeatureNetwork: Module {
  let layers: [Linear]

  /// Makes layers of given widths; the last is k.
  init(widths: [Int] = [40, 40], using generator: inout RandomGenerator) {
    layers = zip([1] + widths, widths).map { Linear($0, $1, using: &generator) }
  }

  /// Maps numbers `[…]` to their features `[…, k]`.
  func callAsFunction(_ x: Tensor) -> Tensor {
    layers.reduce(x.expandingDimension(at: -1)) { h, layer in layer(h).silu() }
  }
}
