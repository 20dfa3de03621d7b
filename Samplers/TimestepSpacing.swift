internal import Foundation
internal import ScoreModels
internal import Torch

/// How n of the T timesteps of a discrete process are chosen, with the names of diffusers' schedulers.
///
/// Lin, Liu, Li & Yang (2024), *Common diffusion noise schedules and sample steps are flawed*, arXiv 2305.08891, table 2.
public enum TimestepSpacing: String, Codable, Hashable, Sendable, CaseIterable {
  /// Multiples of ⌊T/n⌋ from 0 on. The last timestep, which has the most noise, is left out.
  case leading
  /// From T − 1 down at distances of T/n. The first timestep is left out.
  case trailing
  /// Both ends, and rounded equal distances between them.
  case linspace

  /// The noise levels of n timesteps, from the largest.
  func sigmas(_ count: Int, offset: Int, of process: any DiffusionProcess) throws(SamplerError) -> [Double] {
    guard let process = process as? DiscreteVariancePreserving else {
      throw SamplerError("timesteps are those of the process ddpm; choose another schedule for this model")
    }
    let total = process.stepCount
    try require(count <= total, "a process of \(total) timesteps has no \(count) of them; take fewer steps")
    let steps: [Double] =
      switch self {
      case .leading: (0..<count).reversed().map { Double($0 * (total / count)) }
      case .trailing:
        (0..<count).map { (Double(total) - Double($0) * Double(total) / Double(count)).rounded(.toNearestOrEven) - 1 }
      case .linspace:
        (0..<count).reversed().map {
          (Double($0) * Double(total - 1) / Double(max(count - 1, 1))).rounded(.toNearestOrEven)
        }
      }
    return process.sigma(Tensor(steps.map { min($0 + Double(offset), Double(total - 1)) })).elements()
  }
}
