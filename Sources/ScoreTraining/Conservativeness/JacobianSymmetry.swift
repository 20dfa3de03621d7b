internal import Files
internal import LeastSquares
internal import ScoreMetrics
public import ScoreModels
public import Torch

/// The Jacobian of the score is symmetric at noisy data, (J − Jᵀ)·v = 0, so that the score is the gradient of a log density.
///
/// At each of n noisy points xₜ = s·(x₀ + σε) of d numbers, with a random sign vector v for each point,
///
///     c = s²σ²·(J − Jᵀ)·v / √(4nd),    J = ∂score/∂x.
///
/// With the denoiser D(x) this is s·(∂D/∂x − ∂D/∂xᵀ)·v/√(4nd). With this scale all noise levels count alike, because s²σ²·J has a norm of
/// about √d at each noise level, and ‖c‖² estimates the mean of NAsym = ¼‖J − Jᵀ‖²_F/‖J‖²_F. All d elements of each vector are equations.
/// The squared norm alone would have no gradient where it vanishes, and a pairing ⟨w, (J − Jᵀ)·v⟩ would see one of d²/2 numbers.
///
/// Each step draws new points and vectors, as a function of the seed and the step.
///
/// - Cost: an evaluation at n points, recorded to the second derivative. Each product of a least-squares solver goes through that
///   record, which costs about 4 training steps at n examples.
public struct JacobianSymmetry: Constraint {
  /// The noise levels of the points by default: log σ ~ N(−0.8, 1.3²).
  public static let defaultNoiseLevels = NoiseDistribution.logNormal(mean: -0.8, deviation: 1.3)

  /// The process that makes the data noisy.
  public let process: any DiffusionProcess
  /// The distribution of σ among the points.
  public let noiseLevels: NoiseDistribution
  /// n, the number of points in a step.
  public let pointCount: Int
  /// The seed of points and vectors.
  public let seed: UInt64

  private let model: any ScoreModel
  private let data: any TrainingData
  private var probe: AsymmetryProbe?

  /// Makes a constraint on a model.
  ///
  /// - Parameters:
  ///   - model: the model; its parameters are those that the optimizer updates.
  ///   - process: the process whose scores the model learns.
  ///   - data: the examples x₀.
  ///   - noiseLevels: the distribution of σ among the points.
  ///   - pointCount: n, the number of points in a step.
  ///   - seed: the seed of points and vectors.
  /// - Precondition: n is positive, and there are data.
  public init(
    of model: any ScoreModel, process: any DiffusionProcess, data: any TrainingData,
    noiseLevels: NoiseDistribution = defaultNoiseLevels, pointCount: Int = 256, seed: UInt64 = 0
  ) {
    demand(pointCount > 0, "a Jacobian is made symmetric at a positive number of points, not \(pointCount)")
    demand(data.count > 0, "a Jacobian is made symmetric at noisy data, and there are none")
    self.model = model
    self.process = process
    self.data = data
    self.noiseLevels = noiseLevels
    self.pointCount = pointCount
    self.seed = seed
  }

  /// Draws the points and the vectors of a step.
  ///
  /// - Throws: the errors of reading the data.
  public mutating func prepare(step: Int, at parameters: [Tensor]) throws {
    var generator = RandomGenerator(seed: seed, purpose: .probes, index: UInt64(step))
    let batch = try data.draw(pointCount, for: model, using: &generator)
    probe = AsymmetryProbe(at: batch, process: process, noiseLevels: noiseLevels, using: &generator)
  }

  /// c, a vector of n·d elements.
  ///
  /// - Throws: `ConstraintError` for parameters of another model, and before any step was prepared.
  public func residual(at parameters: [Tensor]) throws -> Tensor {
    guard let probe else {
      throw ConstraintError("the symmetry of a Jacobian is taken at points that no step has drawn")
    }
    return try model.evaluate(at: parameters) { try probe.asymmetry(of: model) }
  }
}

extension NullSpaceProjected {
  /// An optimizer that makes a model conservative while it trains: few projections, each of them a full correction at many points.
  ///
  /// On the digits, few large corrections cost less time and less loss than many small ones. A small correction helps at the points of
  /// its own step, and later steps undo it.
  ///
  /// - Parameters:
  ///   - base: the optimizer that makes the updates.
  ///   - model: the model that is trained.
  ///   - process: the process whose scores the model learns.
  ///   - data: the examples x₀.
  ///   - interval: the steps from one projection to the next; about a twelfth of a run. The first projection is at this step.
  ///   - seed: the seed of points and vectors.
  public static func conservative(
    _ base: Base, of model: any ScoreModel, process: any DiffusionProcess, data: any TrainingData, interval: Int,
    seed: UInt64 = 0
  ) -> NullSpaceProjected {
    NullSpaceProjected(
      base, constraint: JacobianSymmetry(of: model, process: process, data: data, seed: seed),
      solver: LSMR(tolerance: 1e-6, iterationLimit: 8, checksSolution: false),
      schedule: Schedule(correctionRate: 1, interval: interval, warmupSteps: interval - 1))
  }
}

extension TrainingData {
  /// Random examples on the device and in the element type of a model.
  func draw(_ count: Int, for model: any ScoreModel, using generator: inout RandomGenerator) throws -> TrainingBatch {
    var batch = try batch(at: generator.integers(below: self.count, [count])).to(model.device)
    if let dtype = model.computationDType { batch.examples = batch.examples.to(dtype) }
    return batch
  }
}

/// Noisy points with a vector at each, and the asymmetry of a model along these vectors.
struct AsymmetryProbe {
  let points: NoisyPoints
  /// v, of random signs.
  let vectors: Tensor
  /// s/√(4nd), which broadcasts against the points.
  let scale: Tensor

  init(
    at batch: TrainingBatch, process: any DiffusionProcess, noiseLevels: NoiseDistribution,
    using generator: inout RandomGenerator
  ) {
    let data = batch.examples
    points = NoisyPoints(batch, process: process, noiseLevels: noiseLevels, using: &generator)
    vectors = generator.signs(data.shape, dtype: data.dtype).to(data.device)
    scale = points.factor(process.scale) / (4 * Double(data.elementCount)).squareRoot()
  }

  /// s·(∂D/∂x − ∂D/∂xᵀ)·v/√(4nd), recorded in the parameters.
  ///
  /// Jᵀ·w is a backward pass. It is linear in w, so that its derivative along v is J·v, and its value at w = v is Jᵀ·v.
  func asymmetry(of model: any ScoreModel) throws -> Tensor {
    try withGradients {
      let (x, w) = (points.x.variable(), vectors.variable())
      let denoised = points.denoised(by: model, at: x)
      let transposed = try gradients(of: denoised, withRespectTo: [x], seed: w, createGraph: true)[0]
      let direct = try gradients(of: transposed, withRespectTo: [w], seed: vectors, createGraph: true)[0]
      return ((direct - transposed) * scale).flattened()
    }
  }
}
