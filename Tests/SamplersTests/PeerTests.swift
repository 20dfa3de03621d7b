import Foundation
import Samplers
import ScoreModels
import TestSupport
import Testing
import Torch

/// Noise levels and trajectories of k-diffusion and diffusers, from `Golden/make_trajectories.py`, on the same denoiser and noise.
@Suite struct PeerTests {
  private let tensors: [String: Tensor]

  init() throws {
    let folder = try #require(Bundle.module.resourceURL).appending(path: "Golden")
    tensors = try Safetensors(contentsOf: folder.appending(path: "trajectories.safetensors").path).tensors
  }

  private func tensor(_ name: String) throws -> Tensor { try #require(tensors[name], "\(name) is not there") }

  @Test(arguments: [("karras", [2, 10]), ("exponential", [1, 2, 10])])
  func noiseLevelsAreThoseOfKDiffusion(_ name: String, counts: [Int]) throws {
    let schedule: NoiseSchedule = name == "karras" ? .karras() : .geometric
    for count in counts {
      let levels = try schedule.levels(count, of: EDMProcess())
      expectClose(Tensor(levels.map(\.sigma)), try tensor("grid/\(name)-\(count)"), rtol: 1e-6, atol: 0)
    }
  }

  /// The states after each step in units of the data.
  private func states(_ name: String, _ makeSampler: (Int, NoiseSchedule) -> any Sampler) throws -> Tensor {
    let sigmas: [Double] = try tensor("sigmas/\(name)").elements()
    let noise = try tensor("noise")
    // Wider than diffusers' levels, which begin at 0.01 and end at 157.
    let process = EDMProcess(sigmaMin: 1e-3, sigmaMax: 200)
    let sampler = makeSampler(sigmas.count, .explicit(sigmas))
    var states: [Tensor] = []
    let count = noise.size(1)
    _ = try sampler.sample(
      from: mixture(under: process), process: process, shape: [2], seeds: (0..<count).map { UInt64($0) }, noise: noise
    ) { states.append($0.x) }
    return .stack(states)
  }

  private static let kDiffusion: [Named<@Sendable (Int, NoiseSchedule) -> any Sampler>] = [
    Named("euler", { EulerSampler(steps: $0, schedule: $1) }),
    Named("heun", { HeunSampler(steps: $0, schedule: $1) }),
    Named("ancestral", { DDIMSampler(eta: 1).with(steps: $0, schedule: $1) }),
    Named("dpmpp-2m", { DPMSolverPlusPlus2M(steps: $0, schedule: $1) }),
    Named("dpmpp-2m-sde-0.5", { DPMSolverPlusPlus2M(eta: 0.5).with(steps: $0, schedule: $1) }),
    Named("dpmpp-2m-sde-1.0", { DPMSolverPlusPlus2M(eta: 1).with(steps: $0, schedule: $1) }),
    Named("dpmpp-3m", { DPMSolverPlusPlus3M(steps: $0, schedule: $1) }),
    Named("dpmpp-3m-sde-0.5", { DPMSolverPlusPlus3M(eta: 0.5).with(steps: $0, schedule: $1) }),
    Named("dpmpp-3m-sde-1.0", { DPMSolverPlusPlus3M(eta: 1).with(steps: $0, schedule: $1) }),
  ]

  private static let diffusers: [Named<@Sendable (Int, NoiseSchedule) -> any Sampler>] = [
    Named("diffusers-ddim-0.0", { DDIMSampler(steps: $0, schedule: $1) }),
    Named("diffusers-ddim-0.6", { DDIMSampler(eta: 0.6).with(steps: $0, schedule: $1) }),
    Named("diffusers-ddim-1.0", { DDIMSampler(eta: 1).with(steps: $0, schedule: $1) }),
    Named("diffusers-dpmpp-2m", { DPMSolverPlusPlus2M(steps: $0, schedule: $1) }),
    Named("diffusers-dpmpp-3m", { DPMSolverPlusPlus3M(steps: $0, schedule: $1) }),
  ]

  @Test(arguments: kDiffusion + diffusers)
  func trajectoriesAreThoseOfThePeer(_ peer: Named<@Sendable (Int, NoiseSchedule) -> any Sampler>) throws {
    let own = try states(peer.name, peer.value)
    let expected = try tensor("states/\(peer.name)")
    expectClose(own, expected, rtol: 1e-5, atol: 1e-5)
  }
}
