import ScoreModels
import TestSupport
import Testing
import Torch

@testable import Samplers

/// Samples of which a part is known.
@Suite struct PartialObservationTests {
  /// Correlated points of the plane: a mixture on the diagonal.
  private let model = GaussianMixtureScore(
    weights: [1, 1], means: Tensor([[-2.0, -2.0], [2, 2]]).to(.float64), covariances: Tensor([0.25, 0.25]),
    process: EDMProcess())

  private static let samplers: [any Sampler] =
    allSamplers.filter { !($0 is MetropolisAdjustedLangevinSampler) }.map {
      var sampler = $0
      sampler.set(.steps, to: 4)
      return sampler
    } + [DDIMSampler(steps: 6, eta: 1), DPMSolverPlusPlus3M(steps: 6, eta: 1)]

  @Test func everySamplerIsTried() throws {
    try expectEveryConformer(
      of: "Sampler", among: Self.samplers,
      except: ["MetropolisAdjustedLangevinSampler": "it refuses observations: whatDoesNotFitIsRefused"])
  }

  @Test(arguments: samplers.indices)
  func knownElementsComeBackExactly(_ index: Int) throws {
    let known = Tensor((0..<6).map { 0.1 + Double($0) / 3 }, shape: [3, 2])
    let mask = Tensor([[1.0, 0]])
    let samples = try Self.samplers[index].sample(
      from: model, process: EDMProcess(), shape: [2], seeds: [1, 2, 3],
      observation: .elements(known, where: mask))
    let (mine, theirs): ([Double], [Double]) = (samples.elements(), known.elements())
    for i in 0..<3 { #expect(mine[2 * i] == theirs[2 * i] && mine[2 * i + 1] != theirs[2 * i + 1]) }
  }

  @Test func theRestSuitsWhatIsKnown() throws {
    let known = Tensor((0..<200).map { $0 % 4 < 2 ? -2.0 : 2 }, shape: [100, 2])
    let samples = try AnnealedLangevinSampler(noiseLevels: 40, stepsPerLevel: 20, stepSize: 0.2).sample(
      from: model, process: EDMProcess(), shape: [2], seeds: Array(0..<100),
      observation: .elements(known, where: Tensor([[1.0, 0]])))
    // The second coordinate given the first is N(±2, 0.25) on the same side: all but none follow.
    let values: [Double] = samples.elements()
    let fitting = (0..<100).count { values[2 * $0] * values[2 * $0 + 1] > 0 }
    #expect(fitting >= 97)
  }

  @Test func greyOfColoursIsKept() throws {
    let denoised = Tensor((0..<24).map { Double($0 * $0 % 7) }, shape: [2, 3, 2, 2])
    let images = Tensor((0..<24).map { Double($0) / 24 }, shape: [2, 3, 2, 2])
    let result = PartialObservation.grey(images).imposed(on: denoised)
    expectClose(result.mean(1), images.mean(1), rtol: 1e-12)
    // Differences between channels are those of the denoised image.
    expectClose(
      result - result.mean(1, keepingDimensions: true), denoised - denoised.mean(1, keepingDimensions: true),
      atol: 1e-12)
  }

  @Test func whatDoesNotFitIsRefused() throws {
    func sample(_ observation: PartialObservation, _ sampler: any Sampler = EulerSampler(steps: 2)) throws {
      _ = try sampler.sample(
        from: model, process: EDMProcess(), shape: [2], seeds: [1], observation: observation)
    }
    #expect(throws: SamplerError.self) { try sample(.elements(.zeros([2, 2]), where: .full([1], 1))) }
    #expect(throws: SamplerError.self) { try sample(.elements(.zeros([1, 3]), where: .full([1], 1))) }
    #expect(throws: SamplerError.self) { try sample(.grey(.zeros([1, 3, 2, 2]))) }
    #expect(throws: SamplerError.self) {
      try sample(.elements(.zeros([1, 2]), where: .full([1], 1)), MetropolisAdjustedLangevinSampler(noiseLevels: 2))
    }
  }
}
