import Foundation
import Samplers
import ScoreModels
import TestSupport
import Testing
import Torch

@Suite struct NoiseScheduleTests {
  static let schedules: [Named<NoiseSchedule>] = [
    Named("Karras", .karras()), Named("ρ = 1", .karras(rho: 1)), Named("geometric", .geometric),
    Named("uniform in time", .uniformTime), Named("linear", .linear), Named("cosine", .cosine),
  ]

  @Test(arguments: schedules, processes)
  func levelsFallFromTheUpperToTheLowerEndOfTheProcess(
    _ schedule: Named<NoiseSchedule>, _ process: Named<any DiffusionProcess>
  ) throws {
    let process = process.value
    for count in [1, 2, 3, 50] {
      let levels = try schedule.value.levels(count, of: process)
      #expect(levels.count == count)
      expectClose(levels[0].sigma, process.sigma(process.samplingRange.upperBound), rtol: 1e-12)
      if count > 1 {
        expectClose(levels[count - 1].sigma, process.sigma(process.samplingRange.lowerBound), rtol: 1e-12)
      }
      #expect(zip(levels, levels.dropFirst()).allSatisfy { $0.sigma > $1.sigma && $0.time > $1.time })
      for level in levels {
        expectClose(process.sigma(level.time), level.sigma, rtol: 1e-9, atol: 0)
        expectClose(process.scale(level.time), level.scale, rtol: 1e-12, atol: 0)
      }
    }
  }

  @Test func karrasLevelsAreThoseOfThePaper() throws {
    // Equation 5 with N = 18, σ = 0.002 … 80 and ρ = 7: the levels 0, 1, 9 and 17 by a pocket calculator.
    let levels = try NoiseSchedule.karras().levels(18, of: EDMProcess())
    expectClose(levels[0].sigma, 80, rtol: 1e-12, atol: 0)
    let root = { (x: Double) in pow(x, 1.0 / 7) }
    for i in [1, 9, 16] {
      let mixed = root(80) * Double(17 - i) / 17 + root(0.002) * Double(i) / 17
      expectClose(levels[i].sigma, pow(mixed, 7), rtol: 1e-12, atol: 0)
    }
    expectClose(levels[1].sigma, 57.586, rtol: 1e-4, atol: 0)
    expectClose(levels[17].sigma, 0.002, rtol: 1e-12, atol: 0)
  }

  @Test func automaticLevelsAreTimestepsWhereTheProcessHasSome() throws {
    let process = DiscreteVariancePreserving()
    let levels = try NoiseSchedule.automatic.levels(10, of: process)
    #expect(levels == (try NoiseSchedule.timesteps().levels(10, of: process)))
    #expect(levels.map { $0.time.rounded() } == (0..<10).reversed().map { Double($0) * 100 })
    let ranged = try NoiseSchedule.automatic.levels(10, of: process, sigmaMin: 0.1)
    #expect(ranged == (try NoiseSchedule.karras().levels(10, of: process, sigmaMin: 0.1)))
    let continuous = try NoiseSchedule.automatic.levels(10, of: EDMProcess())
    #expect(continuous == (try NoiseSchedule.karras().levels(10, of: EDMProcess())))
  }

  @Test func aDiscretizationEndsInTheData() throws {
    let process = VariancePreserving()
    let levels = try Discretization(steps: 3, schedule: .linear, sigmaMin: 1, sigmaMax: 3).levels(of: process)
    #expect(levels.map(\.sigma) == [3, 2, 1, 0] && levels[3] == .data(of: process))
    #expect(levels[3].scale == 1 && levels[3].time == process.samplingRange.lowerBound)
  }

  @Test func linearAndCosineLevelsAreEquallySpaced() throws {
    let process = EDMProcess()
    let linear = try NoiseSchedule.linear.levels(5, of: process, sigmaMin: 1, sigmaMax: 9).map(\.sigma)
    expectClose(Tensor(linear), Tensor([9.0, 7, 5, 3, 1]), rtol: 1e-12, atol: 0)
    // 60°, 45° and 30°; the signal's share s = cos φ of a variance-preserving process.
    let root = Double.squareRoot(3)()
    let cosine = try NoiseSchedule.cosine.levels(3, of: VariancePreserving(), sigmaMin: 1 / root, sigmaMax: root)
    expectClose(Tensor(cosine.map(\.sigma)), Tensor([root, 1, 1 / root]), rtol: 1e-12, atol: 0)
    let scales = [0.25, 0.5, 0.75].map { $0.squareRoot() }
    expectClose(Tensor(cosine.map(\.scale)), Tensor(scales), rtol: 1e-9, atol: 0)
  }

  @Test func explicitLevelsAreTakenAsTheyAre() throws {
    let levels = try NoiseSchedule.explicit([10, 3, 0.1]).levels(3, of: EDMProcess())
    #expect(levels.map(\.sigma) == [10, 3, 0.1] && levels.map(\.time) == [10, 3, 0.1])
    #expect(throws: SamplerError.self) { try NoiseSchedule.explicit([1e5, 3]).levels(2, of: EDMProcess()) }
  }

  @Test func geometricLevelsHaveEqualRatiosAndAreUniformInTheTimeOfVE() throws {
    let process = VarianceExploding()
    let levels = try NoiseSchedule.geometric.levels(11, of: process)
    let ratios = zip(levels, levels.dropFirst()).map { $1.sigma / $0.sigma }
    for ratio in ratios { expectClose(ratio, ratios[0], rtol: 1e-10, atol: 0) }
    let sigmas = Tensor(levels.map(\.sigma))
    expectClose(
      Tensor(try NoiseSchedule.uniformTime.levels(11, of: process).map(\.sigma)), sigmas, rtol: 1e-9, atol: 0)
    // ρ → ∞ gives the same.
    expectClose(
      Tensor(try NoiseSchedule.karras(rho: 1e6).levels(11, of: process).map(\.sigma)), sigmas, rtol: 1e-4, atol: 0)
  }

  @Test func uniformTimesHaveEqualDistances() throws {
    let levels = try NoiseSchedule.uniformTime.levels(5, of: VariancePreserving())
    for (i, level) in levels.enumerated() { expectClose(level.time, 1 - 0.999 * Double(i) / 4, rtol: 1e-9, atol: 0) }
  }

  @Test func endsOfOnesOwnAreMet() throws {
    for process in processes.map(\.value) {
      let levels = try NoiseSchedule.karras().levels(7, of: process, sigmaMin: 0.1, sigmaMax: 3)
      #expect(levels[0].sigma == 3 && levels[6].sigma == 0.1)
    }
  }

  @Test func levelsThatMakeNoSenseAreRefused() {
    let process = EDMProcess()
    #expect(throws: SamplerError.self) { try NoiseSchedule.geometric.levels(0, of: process) }
    #expect(throws: SamplerError.self) { try NoiseSchedule.geometric.levels(-1, of: process) }
    #expect(throws: SamplerError.self) { try NoiseSchedule.karras(rho: .nan).levels(3, of: process) }
    #expect(throws: SamplerError.self) { try NoiseSchedule.geometric.levels(3, of: process, sigmaMin: 0) }
    #expect(throws: SamplerError.self) { try NoiseSchedule.geometric.levels(3, of: process, sigmaMin: .nan) }
    #expect(throws: SamplerError.self) { try NoiseSchedule.geometric.levels(3, of: process, sigmaMin: 2, sigmaMax: 2) }
    #expect(throws: SamplerError.self) { try NoiseSchedule.geometric.levels(3, of: process, sigmaMax: 100) }
    #expect(throws: SamplerError.self) { try NoiseSchedule.geometric.levels(3, of: process, sigmaMin: 1e-4) }
  }
}
