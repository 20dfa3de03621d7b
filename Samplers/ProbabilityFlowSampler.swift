import Foundation
internal import ScoreModels
public import Torch

/// The probability-flow ODE, solved to a tolerance by steps of adaptive size.
///
/// Song et al. (2021), *Score-based generative modeling through stochastic differential equations*, arXiv 2011.13456,
/// section 4.3, with the pair of Runge–Kutta methods of Dormand & Prince (1980). In u = −log σ and z = x/√(σ² + σ_d²), with x
/// in units of the data, the ODE of every process is
///
///     dz/du = D/√(σ² + σ_d²) − z·σ_d²/(σ² + σ_d²)
///
/// Both terms stay of the order of 1, so one tolerance suits all noise levels. Each sample has steps of its own. At σ_min the
/// state is replaced by its denoised value. A sample is a function of the noise it starts from; other solvers of the ODE
/// approach this function.
///
/// The path is cut into N parts by N + 1 noise levels of equal ratios, and observed after each part. Costs 6 evaluations for
/// each step that is tried, one for each part and one at the end: about 70 in all for a tolerance of 10⁻³ and 200 for 10⁻⁵.
public struct ProbabilityFlowSampler: Sampler, Hashable {
  /// The settings `steps`, `sigmaMin`, `sigmaMax` and `tolerance`.
  public static var settings: [SamplerSetting: PartialKeyPath<Self>] {
    [.steps: \.steps, .sigmaMin: \.sigmaMin, .sigmaMax: \.sigmaMax, .tolerance: \.tolerance]
  }

  /// The number N of parts of the path; it changes the samples by no more than the tolerance.
  public var steps: Int
  /// The error allowed in a step, relative to z.
  public var relativeTolerance: Double
  /// The error allowed in a step where z is 0.
  public var absoluteTolerance: Double
  /// The smallest noise level above 0; `nil` means the smallest of the process's sampling range.
  public var sigmaMin: Double?
  /// The noise level to start from; `nil` means the largest of the process's sampling range.
  public var sigmaMax: Double?
  /// The standard deviation σ_d of the data, the unit of z.
  public var sigmaData: Double
  /// The number of tried steps in a part of the path; a sample that needs more is an error.
  public var stepLimit: Int

  /// Makes a sampler; the tolerances are those of Song et al.
  public init(
    steps: Int = 10, relativeTolerance: Double = 1e-5, absoluteTolerance: Double = 1e-5, sigmaMin: Double? = nil,
    sigmaMax: Double? = nil, sigmaData: Double = 1, stepLimit: Int = 1000
  ) {
    self.steps = steps
    self.relativeTolerance = relativeTolerance
    self.absoluteTolerance = absoluteTolerance
    self.sigmaMin = sigmaMin
    self.sigmaMax = sigmaMax
    self.sigmaData = sigmaData
    self.stepLimit = stepLimit
  }

  /// The relative tolerance; setting it sets the absolute tolerance too.
  private var tolerance: Double {
    get { relativeTolerance }
    set { (relativeTolerance, absoluteTolerance) = (newValue, newValue) }
  }

  /// One observed step for each part of the path.
  public var stepCount: Int { steps }
  /// The smallest possible number, 7·N + 1.
  public var evaluationCount: Int { 7 * steps + 1 }

  /// Checks the numbers.
  public func validate() throws(SamplerError) {
    try require(steps > 0, "the way of the probability-flow ODE has at least 1 part, not \(steps)")
    for (name, tolerance) in [("relative", relativeTolerance), ("absolute", absoluteTolerance)] {
      try require(tolerance > 0 && tolerance < 1, "the \(name) tolerance lies between 0 and 1, unlike \(tolerance)")
    }
    try require(sigmaData > 0 && sigmaData.isFinite, "σ_d is a positive number, not \(sigmaData)")
    try require(stepLimit > 0, "the step limit is positive, not \(stepLimit)")
  }

  /// Solves the ODE, part by part.
  public func sample(_ run: inout SamplingRun) throws -> Tensor {
    let levels = try run.levels(
      Discretization(steps: steps + 1, schedule: .geometric, sigmaMin: sigmaMin, sigmaMax: sigmaMax))
    let method = DormandPrince(
      relativeTolerance: relativeTolerance, absoluteTolerance: absoluteTolerance, stepLimit: stepLimit)
    let variance = sigmaData * sigmaData
    func unit(_ sigma: Double) -> Double { (sigma * sigma + variance).squareRoot() }
    var x = levels[0].sigma * run.noise()
    var stepSizes: [Double]?
    for (index, (current, next)) in zip(levels, levels.dropFirst()).prefix(steps).enumerated() {
      let solution = try method.integrate(
        x / unit(current.sigma), from: -log(current.sigma), to: -log(next.sigma), firstSteps: stepSizes,
        integralScale: 1, noiseLevel: { exp(-$0) }, observe: nil
      ) { [run] z, u, positions in
        let sigmas = u.map { exp(-$0) }
        func column(_ values: [Double]) -> Tensor { Tensor(values).to(z.device).broadcastable(toRank: z.rank) }
        let units = column(sigmas.map(unit))
        let denoised = run.denoised(unscaled: z * units, at: sigmas, of: positions)
        let shares = column(sigmas.map { variance / ($0 * $0 + variance) })
        return (denoised / units - z * shares, Array(repeating: 0, count: positions.count))
      }
      stepSizes = solution.stepSizes
      x = solution.states * unit(next.sigma)
      if index < steps - 1 {
        try run.finishStep(unscaled: x, at: next)
      } else {
        x = run.denoised(unscaled: x, at: next)
        try run.finishStep(unscaled: x, at: levels[steps + 1], denoised: x)
      }
    }
    return x
  }
}
