import Torch

/// How a network f that maps to its input's shape becomes a scalar φ, whose gradient ∇φ the score is made from.
///
/// Both are linear in f: a network that starts at 0 gives a score that does; which form learns faster was measured. Training
/// loss (mean over the last tenth of the steps) and loss of the averaged weights on 297 digits left out of 1,797, at equal
/// time on one thread, each with its own cosine schedule from 2e-3, batches of 128, seeds 0 and 1:
///
/// ```
/// MLP, width 128, 3 blocks              steps   training        held out
/// unconstrained                         3,000   0.484, 0.483    0.497, 0.497
/// ⟨u, f⟩                                1,775   0.467, 0.463    0.486, 0.482
/// ⟨u + 1, f⟩                            1,775   0.456, 0.455    0.479, 0.476
/// ⟨u, f⟩ + ⟨1, g⟩, one more output g    1,775   0.462, 0.463    0.482, 0.482
/// ⟨1, f⟩                                1,775   0.470, 0.467    0.488, 0.483
/// ⟨u, f⟩ + ½‖f‖²                        1,775   0.468, 0.465    0.487, 0.484
/// ⟨u, f⟩ − ½‖f‖²                        1,775   0.474           0.490
/// ⟨u − 1, f⟩                            1,775   0.468           0.487
/// U-Net, channels 32, 64
/// unconstrained                         1,440   0.321, 0.321    0.348, 0.347
/// ⟨u, f⟩                                  708   0.322           0.358
/// ⟨u + 1, f⟩                              708   0.320, 0.321    0.356, 0.354
/// unconstrained                           600   0.353           0.368
/// ⟨u, f⟩                                  295   0.363           0.379
/// ⟨u + 1, f⟩                              295   0.366           0.378
/// ```
///
/// A step of the energy takes 1.6 times that of the plain MLP (1.7 when the table was made) and 2.0 times that of the U-Net.
/// So at equal time the MLP's energy is ahead, and the U-Net's level on the training data after 1,440 plain steps, behind
/// after 600, and behind on data left out. At 600 steps of both, the U-Net has 0.330 and 0.361 with ⟨u, f⟩ against 0.353
/// and 0.368 without. That +1 helps the MLP where −1 does not may depend on the data, whose background is −1; neither hurt.
/// `score-train --data digits --batch-size 128 --steps N` with `--model mlp` or `unet` and `--conservative energy` or `off`
/// shows the training losses, on all digits, in its metrics.
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
