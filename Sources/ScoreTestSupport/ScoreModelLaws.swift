public import ScoreModels
public import Testing
internal import Torch

/// Expects a score model to keep the laws of score models.
///
/// - The score has the shape and the element type of x and is finite, with and without a condition.
/// - The same input gives the same score, and each example has a score of its own: the rest of the batch does not matter.
/// - With classes: the label matters.
/// - The denoiser is D = (x + s²σ²·score)/s, Tweedie's formula.
/// - The energy, if there is one, is a number for each example, with −∇ₓE = score.
/// - The score can be differentiated in the parameters, and they keep the laws of modules.
///
/// The model is tried in its own element type. `model.randomized()` before it makes the laws sharper: new networks have weights of 0,
/// which hide what depends on them, and double precision allows finite differences.
///
/// ```swift
/// @Test func myModelKeepsTheLaws() throws {
///   try expectScoreModelLaws(of: makeModel().randomized(), process: EDMProcess(), shape: [2], classCount: 3)
/// }
/// ```
///
/// - Parameters:
///   - model: the model.
///   - process: the process that the model was made for.
///   - shape: the shape of one example.
///   - classCount: the number of classes; `nil` for a model that ignores conditions.
///   - sourceLocation: where failures are reported; by default at the call.
/// - Complexity: about 30 evaluations of 5 examples.
public func expectScoreModelLaws(
  of model: any ScoreModel, process: any DiffusionProcess, shape: [Int], classCount: Int? = nil,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  try expectModuleLaws(of: model, sourceLocation: sourceLocation)
  let laws = ScoreModelLaws(
    model: model, process: process, shape: shape, classCount: classCount, location: sourceLocation)
  guard laws.scoresHaveTheShapeOfX() else { return }
  laws.examplesHaveScoresOfTheirOwn()
  laws.labelsMatter()
  laws.denoisersAreThoseOfTweedie()
  laws.energiesHaveTheScoreAsTheirSlope()
  try laws.parametersHaveGradients()
}

private struct ScoreModelLaws {
  let model: any ScoreModel
  let process: any DiffusionProcess
  let classCount: Int?
  let location: SourceLocation
  private let dtype: DType
  private let x: Tensor
  private let t: Tensor
  private let labels: Tensor?

  init(
    model: any ScoreModel, process: any DiffusionProcess, shape: [Int], classCount: Int?, location: SourceLocation
  ) {
    self.model = model
    self.process = process
    self.classCount = classCount
    self.location = location
    dtype = model.computationDType ?? .float64
    // Noise levels from 0.2 to 5, as far as the process has them.
    let range = process.sigmaRange
    var (low, high) = (max(0.2, range.lowerBound), min(5, range.upperBound))
    if low >= high { (low, high) = (max(range.lowerBound, 1e-3 * range.upperBound), range.upperBound) }
    let (start, end) = (Tensor(low, dtype: .float64).log().item(), Tensor(high, dtype: .float64).log().item())
    let times = process.time(sigma: Tensor.linspace(start, end, count: 5, dtype: .float64).exp())
    var generator = RandomGenerator(seed: 3, purpose: .data)
    let data = generator.normal([5] + shape, dtype: .float64)
    let noise = generator.normal([5] + shape, dtype: .float64)
    x = process.perturb(0.5 * data, noise: noise, at: times).to(dtype).to(model.device)
    t = times.to(dtype).to(model.device)
    labels = classCount.map { count in Tensor((0..<5).map { $0 % count }).to(model.device) }
  }

  private func law(_ sentence: String) -> Law { Law(sentence, of: model, at: location) }

  /// A tolerance for double precision, and one for other types.
  private func tolerance(_ double: Double, _ single: Double) -> Double { dtype == .float64 ? double : single }

  private func score(of labels: Tensor?) -> Tensor { model.score(x, at: t, condition: labels).detached() }

  /// Without it, the other laws make no sense.
  func scoresHaveTheShapeOfX() -> Bool {
    let law = law("a score has the shape of x")
    for labels in [labels, nil] {
      let score = score(of: labels)
      let name = labels == nil ? "the score without a condition" : "the score"
      guard law.requires(score.shape == x.shape, "\(name) is \(score.shape) for x of \(x.shape)"),
        law.requires(score.dtype == dtype, "\(name) is \(score.dtype) for x in \(dtype)"),
        law.requires(score.allFinite, "\(name) is not finite")
      else { return false }
    }
    return true
  }

  func examplesHaveScoresOfTheirOwn() {
    let score = score(of: labels)
    law("the same input has the same score").expectIdentical(self.score(of: labels), score, "a second time")
    let law = law("examples have scores of their own")
    let allowed = tolerance(1e-12, 1e-4)
    for i in 0..<5 {
      let range = i..<(i + 1)
      let alone = model.score(x[range], at: t[range], condition: labels?[range]).detached()
      law.expectClose(alone, score[range], rtol: allowed, atol: allowed * score.norm(), "example \(i) alone")
    }
  }

  func labelsMatter() {
    guard let classCount, classCount > 1 else { return }
    let score = score(of: labels)
    let others = Tensor((0..<5).map { ($0 + 1) % classCount }).to(model.device)
    let change = (self.score(of: others) - score).norm()
    law("the label matters").expect(change > 1e-6 * score.norm(), "other labels change the score by \(change)")
  }

  func denoisersAreThoseOfTweedie() {
    let law = law("the denoiser is that of Tweedie's formula")
    let scale = process.scale(t).to(dtype).broadcastable(toRank: x.rank)
    let variance = (process.scale(t) * process.sigma(t)).to(dtype).square().broadcastable(toRank: x.rank)
    let expected = (x + variance * score(of: labels)) / scale
    let denoised = model.denoised(x, at: t, process: process, condition: labels).detached()
    law.expectClose(denoised, expected, rtol: tolerance(1e-9, 1e-3), atol: tolerance(1e-9, 1e-3))
  }

  func energiesHaveTheScoreAsTheirSlope() {
    guard let energyModel = model.energyModel else { return }
    let law = law("an energy has the score as its negative slope")
    let score = score(of: labels)
    let energies = energyModel.energy(x, at: t, condition: labels).detached()
    guard law.requires(energies.shape == [5], "the energies of 5 examples have the shape \(energies.shape)") else {
      return
    }
    guard dtype == .float64 else {
      let variable = x.variable()
      let slope = withGradients {
        energyModel.energy(variable, at: t, condition: labels).sum().gradient(withRespectTo: variable)
      }
      return law.expectClose(-slope, score, rtol: 1e-3, atol: 1e-3 * score.norm())
    }
    var generator = RandomGenerator(seed: 8, purpose: .data)
    let (direction, h) = (generator.normal(x.shape, dtype: .float64).to(x.device), 1e-4)
    func energy(_ step: Double) -> Tensor {
      energyModel.energy(x + step * direction, at: t, condition: labels).detached()
    }
    let slope = (8 * (energy(h) - energy(-h)) - (energy(2 * h) - energy(-2 * h))) / (12 * h)
    let expected = -(score * direction).sumPerExample()
    law.expectClose(slope, expected, rtol: 1e-7, atol: 1e-8 * expected.norm(), "slopes")
    law.expectClose(
      energyModel.score(x, at: t, condition: labels).detached(), score, rtol: 1e-9, atol: 1e-9, "its own score")
  }

  func parametersHaveGradients() throws {
    try expectParameters(of: model, law("the score can be differentiated in the parameters")) {
      model.score(x, at: t, condition: labels)
    }
  }
}
