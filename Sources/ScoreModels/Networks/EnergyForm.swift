import Torch

/// How a network f that maps to its input's shape becomes a scalar φ, whose gradient ∇φ the score is made from.
///
/// Both are linear in f: a network that starts at 0 gives a score that does, and which forms can be learned from there is a
/// matter of speed. At equal time on the bundled digits, an MLP (width 128, 3 blocks, batch 128, learning rate 2e-3) has a
/// training loss, a mean over the last tenth of the steps, and a loss on 297 held-out digits of
///
/// ```
/// unconstrained       3,000 steps   0.484, 0.483   held out 0.497, 0.497   (two seeds)
/// ⟨u, f⟩              1,775 steps   0.467, 0.463            0.486, 0.482
/// ⟨u + 1, f⟩          1,775 steps   0.456, 0.455            0.479, 0.476
/// ⟨u, f⟩ + ⟨1, g⟩     1,775 steps   0.462, 0.463            0.482, 0.482
/// ⟨1, f⟩              1,775 steps   0.470, 0.467            0.488, 0.483
/// ⟨u, f⟩ + ½‖f‖²      1,775 steps   0.468, 0.465            0.487, 0.484
/// ⟨u, f⟩ − ½‖f‖²      1,775 steps   0.474                   0.490
/// ```
public enum EnergyForm: String, Codable, Hashable, Sendable, CaseIterable {
  /// φ(u) = ⟨u, f(u)⟩.
  case product
  /// φ(u) = ⟨u + 1, f(u)⟩ = ⟨u, f(u)⟩ + Σf(u): the network's output is also a scalar head, which can change where u is 0.
  case shiftedProduct = "shifted-product"

  /// φ for each example: `[batch]`.
  func potential(_ u: Tensor, _ output: Tensor) -> Tensor {
    switch self {
    case .product: (u * output).sumPerExample()
    case .shiftedProduct: ((u + 1) * output).sumPerExample()
    }
  }
}
