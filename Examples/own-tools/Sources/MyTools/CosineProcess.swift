import Foundation
import ScoreKit

/// The variance-preserving process with s = cos(πt/2) and σ = tan(πt/2).
///
/// Nichol & Dhariwal (2021), *Improved denoising diffusion probabilistic models*, arXiv 2102.09672.
struct CosineProcess: ConfigurableProcess {
  /// Its constants; checkpoints hold them.
  struct Configuration: Codable, Hashable {
    /// The times of the least and of the most noise.
    var start = 0.002
    var end = 0.992
  }

  static let name = "cosine"
  static let defaultConfiguration = Configuration()

  let timeRange: ClosedRange<Double>

  init(_ configuration: Configuration) throws {
    guard configuration.start > 0, configuration.start < configuration.end, configuration.end < 1 else {
      throw ConfigurableError("the process cosine needs 0 < start < end < 1, not \(configuration)")
    }
    timeRange = configuration.start...configuration.end
  }

  func scale(_ t: Tensor) -> Tensor { (t * (Double.pi / 2)).cos() }
  func sigma(_ t: Tensor) -> Tensor { (t * (Double.pi / 2)).sin() / (t * (Double.pi / 2)).cos() }
}
