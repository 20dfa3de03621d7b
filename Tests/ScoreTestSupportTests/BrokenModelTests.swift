import ScoreKit
import ScoreTestSupport
import Testing

/// The score of normal data with a shift for each class, right or with one mistake.
private struct Shifted: ScoreModel {
  enum Mistake { case none, shape, type, batch, label, denoiser, recorded, random, finite }

  let slope = Parameter(Tensor(0.9, dtype: .float64))
  var mistake = Mistake.none
  let counter = Calls()

  final class Calls: @unchecked Sendable { var count = 0 }

  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    counter.count += 1
    let level = (t.square() + 1).broadcastable(toRank: x.rank)
    var mean = condition.map { $0.to(.float64).broadcastable(toRank: x.rank) } ?? Tensor.zeros([1, 1], dtype: .float64)
    if mistake == .label { mean = mean * 0 }
    let factor = mistake == .recorded ? slope.value.detached() : slope.value
    let score = factor * (mean - x) / level
    return switch mistake {
    case .shape: score.mean(1, keepingDimensions: true)
    case .type: score.to(.float32)
    case .batch: score + x.mean()
    case .random: score + Double(counter.count)
    case .finite: score / (x - x)
    default: score
    }
  }

  func denoised(_ x: Tensor, at t: Tensor, process: any DiffusionProcess, condition: Tensor?) -> Tensor {
    let variance = t.square().broadcastable(toRank: x.rank)
    let score = score(x, at: t, condition: condition)
    return mistake == .denoiser ? x + variance.sqrt() * score : x + variance * score
  }
}

/// Energies ½‖x‖²/(1 + σ²), times a factor that is 1 if it is right.
private struct Bowl: EnergyModel {
  var factor = 1.0
  var isSummed = false

  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    -x / (t.square() + 1).broadcastable(toRank: x.rank)
  }

  func energy(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    let energies = factor * 0.5 * x.square().sumPerExample() / (t.square() + 1)
    return isSummed ? energies.sum() : energies
  }
}

/// A process with a straight scale, right or with one mistake.
private struct Line: DiffusionProcess {
  enum Mistake { case none, falling, drift, diffusion, inverse, single, negative }

  var mistake = Mistake.none

  func scale(_ t: Tensor) -> Tensor { mistake == .negative ? t - 0.5 : 1 / (1 + t) }
  func sigma(_ t: Tensor) -> Tensor {
    switch mistake {
    case .falling: 1 / t
    case .single: (3 * t).to(.float32).to(.float64)
    default: 3 * t
    }
  }
  func drift(_ t: Tensor) -> Tensor { (mistake == .drift ? 1 : -1) / (1 + t) }
  func diffusion(_ t: Tensor) -> Tensor { ((mistake == .diffusion ? 3 : 18) * t).sqrt() / (1 + t) }
  func time(sigma: Tensor) -> Tensor { sigma / (mistake == .inverse ? 2 : 3) }
  var timeRange: ClosedRange<Double> { 0.001...1 }
}

/// A network whose examples are mixed, or whose label does not matter.
private struct Mixing: ScoreNetwork {
  let layer: Linear
  var mixes = false
  var hasLabels = true

  func callAsFunction(_ x: Tensor, noise: Tensor, condition: Tensor?) -> Tensor {
    let label = condition.map { $0.to(.float64).broadcastable(toRank: 2) } ?? Tensor.zeros([1, 1], dtype: .float64)
    let output = (layer(x) + noise.broadcastable(toRank: 2)).tanh()
    return (hasLabels ? output + label : output) + (mixes ? x.mean() : Tensor(0, dtype: .float64))
  }
}

@Suite struct BrokenModelTests {
  private func tryModel(_ mistake: Shifted.Mistake, sourceLocation: SourceLocation = #_sourceLocation) throws {
    try expectScoreModelLaws(
      of: Shifted(mistake: mistake), process: EDMProcess(), shape: [3], classCount: 4, sourceLocation: sourceLocation)
  }

  @Test func rightModelsKeepTheLaws() throws {
    try tryModel(.none)
    try expectScoreModelLaws(of: Bowl(), process: EDMProcess(), shape: [2, 2])
  }

  @Test func wrongModelsAreFound() {
    for (mistake, words) in [
      (.shape, "the score is [5, 1] for x of [5, 3]"), (.type, "the score is float32"), (.finite, "not finite"),
      (.batch, "examples have scores of their own"), (.label, "the label matters"), (.denoiser, "Tweedie"),
      (.recorded, "nothing is trained"), (.random, "the same input has the same score"),
    ] as [(Shifted.Mistake, String)] {
      expectViolation(of: words) { try tryModel(mistake) }
    }
  }

  @Test func wrongEnergiesAreFound() {
    expectViolation(of: "an energy has the score as its negative slope") {
      try expectScoreModelLaws(of: Bowl(factor: 2), process: EDMProcess(), shape: [3])
    }
    expectViolation(of: "the energies of 5 examples") {
      try expectScoreModelLaws(of: Bowl(isSummed: true), process: EDMProcess(), shape: [3])
    }
  }

  @Test func wrongProcessesAreFound() {
    expectProcessLaws(of: Line())
    for (mistake, words) in [
      (.falling, "σ does not grow"), (.drift, "the drift is the derivative"), (.diffusion, "the squared diffusion"),
      (.inverse, "time(sigma:) is the inverse"), (.single, "single precision"),
      (.negative, "the scale is not positive"),
    ] as [(Line.Mistake, String)] {
      expectViolation(of: words) { expectProcessLaws(of: Line(mistake: mistake)) }
    }
  }

  @Test func wrongNetworksAreFound() throws {
    var generator = RandomGenerator(seed: 0, purpose: .initialization)
    let layer = Linear(3, 3, using: &generator)
    expectViolation(of: "computes in float32") {
      try expectNetworkLaws(of: Mixing(layer: layer), shape: [3], classCount: 2)
    }
    layer.randomized()
    try expectNetworkLaws(of: Mixing(layer: layer), shape: [3], classCount: 2, order: 2)
    expectViolation(of: "examples have outputs of their own") {
      try expectNetworkLaws(of: Mixing(layer: layer, mixes: true), shape: [3], classCount: 2)
    }
    expectViolation(of: "the label matters") {
      try expectNetworkLaws(of: Mixing(layer: layer, hasLabels: false), shape: [3], classCount: 2)
    }
  }
}
