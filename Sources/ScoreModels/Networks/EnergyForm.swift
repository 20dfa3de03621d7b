import Torch

/// How a scalar φ is made from a network f that keeps the shape of its input; ∇φ then gives the score.
///
/// Both forms are linear in f: if f starts at 0, so does ∇φ. The table compares how fast they learn, at equal time on
/// one thread. It shows the training loss (mean over the last tenth of the steps) and the loss of the averaged weights
/// on 297 held-out digits of 1,797. Each run has its own cosine schedule from 2e-3 and batches of 128; seeds 0 and 1:
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
/// Compared with the plain network, a step with an energy takes 1.6 times as long for the MLP (1.7 times when the table
/// was made) and 2.0 times as long for the U-Net. At equal time, the MLP with an energy is ahead of the plain MLP. The
/// U-Net with an energy is equal on the training data after the time of 1,440 plain steps and behind after the time of
/// 600; on held-out data it is behind in both cases. At 600 steps of both, the U-Net has a training loss of 0.330 and a
/// held-out loss of 0.361 with ⟨u, f⟩, against 0.353 and 0.368 without an energy. For the MLP, u + 1 helps and u − 1
/// does not; this may depend on the data, whose background is −1. Neither form hurt.
///
/// A run of `score-train` on the digits with batches of 128, an MLP or a U-Net, conservative `energy` or `off`, reports the
/// training losses, on all digits, in its metrics.
public enum EnergyForm: String, Codable, Hashable, Sendable, CaseIterable {
  /// φ(u) = ⟨u, f(u)⟩.
  case product
  /// φ(u) = ⟨u + 1, f(u)⟩ = ⟨u, f(u)⟩ + Σf(u): the sum of the output is a scalar head, which has an effect also where u
  /// is 0.
  case shiftedProduct = "shifted-product"

  /// φ for each example: `[batch]`.
  func potential(_ u: Tensor, _ output: Tensor) -> Tensor {
    switch self {
    case .product: (u * output).sumPerExample()
    case .shiftedProduct: ((u + 1) * output).sumPerExample()
    }
  }
}
