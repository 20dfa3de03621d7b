internal import LeastSquares
internal import ScoreMetrics
public import ScoreModels
public import Torch

/// A symmetric Jacobian of the score, (J − Jᵀ)·v = 0, at noisy data: what makes the score the gradient of a log density.
///
/// At each of n noisy points xₜ = s·(x₀ + σε), for a random sign vector v of its own,
///
///     c = s²σ²·(J − Jᵀ)·v / √(4nD),    J = ∂s/∂x,
///
/// that is s·(∂D/∂x − ∂D/∂xᵀ)·v/√(4nD) with the denoiser D. So scaled all noise levels count alike, since s²σ²·J has a norm of about √D
/// at each, and ‖c‖² estimates the mean of NAsym = ¼‖J − Jᵀ‖²_F/‖J‖²_F. All D elements of the vector are equations; its squared norm alone
/// would have no gradient where it vanishes, and pairings ⟨w, (J − Jᵀ)·v⟩ see one of D²/2 numbers.
///
/// Points and vectors are drawn anew at each step, as a function of the seed and the step.
///
/// - Cost: an evaluation at n points, recorded to the second derivative; each product of a least-squares solver goes through that
///   record, about 4 training steps at n examples.
public struct JacobianSymmetry: Constraint {
  /// The process whose noisy data the points are.
  public let process: any DiffusionProcess
  /// Where the noise levels come from.
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
  ///   - model: what holds the parameters that are constrained: all that the optimizer updates.
  ///   - process: the process whose scores it learns.
  ///   - data: x₀.
  ///   - noiseLevels: the distribution of σ among the points.
  ///   - pointCount: n.
  ///   - seed: the seed of points and vectors.
  /// - Precondition: the number of points is positive and there are data.
  public init(
    of model: any ScoreModel, process: any DiffusionProcess, data: any TrainingData,
    noiseLevels: NoiseDistribution = .logNormal(mean: -0.8, deviation: 1.3), pointCount: Int = 256, seed: UInt64 = 0
  ) {
    precondition(pointCount > 0, "a Jacobian is made symmetric at a positive number of points, not \(pointCount)")
    precondition(data.count > 0, "a Jacobian is made symmetric at noisy data, and there are none")
    self.model = model
    self.process = process
    self.data = data
    self.noiseLevels = noiseLevels
    self.pointCount = pointCount
    self.seed = seed
  }

  /// Draws points and vectors.
  public mutating func prepare(step: Int, at parameters: [Tensor]) throws {
    var generator = RandomGenerator(seed: seed, purpose: .probes, index: UInt64(step))
    let batch = try data.draw(pointCount, for: model, using: &generator)
    probe = AsymmetryProbe(at: batch, process: process, noiseLevels: noiseLevels, using: &generator)
  }

  /// c, a vector of n·D elements.
  ///
  /// - Throws: `ConstraintError` for parameters of another model.
  public func residual(at parameters: [Tensor]) throws -> Tensor {
    guard let probe else {
      throw ConstraintError("the symmetry of a Jacobian is taken at points that no step has drawn")
    }
    return try model.evaluate(at: parameters) { try probe.asymmetry(of: model) }
  }
}

extension NullSpaceProjected {
  /// An optimizer that makes a model conservative as it trains it: few projections, each of a whole correction at many points.
  ///
  /// Measured on the digits, few and large corrections cost less time and less loss than many small ones, which solve for the points
  /// of their step and forget those of others.
  ///
  /// - Parameters:
  ///   - base: the rule that makes the updates.
  ///   - model: what is trained.
  ///   - process: the process whose scores it learns.
  ///   - data: x₀.
  ///   - interval: the steps from one projection to the next; about a twelfth of a run.
  ///   - seed: the seed of points and vectors.
  public static func conservative(
    _ base: Base, of model: any ScoreModel, process: any DiffusionProcess, data: any TrainingData, interval: Int,
    seed: UInt64 = 0
  ) -> NullSpaceProjected {
    NullSpaceProjected(
      base, constraint: JacobianSymmetry(of: model, process: process, data: data, seed: seed),
      solver: LSMR(tolerance: 1e-6, iterationLimit: 8, checksSolution: false), correctionRate: 1, interval: interval,
      warmupSteps: interval - 1)
  }
}

extension TrainingData {
  /// Random examples where a model is and as it computes.
  func draw(_ count: Int, for model: any ScoreModel, using generator: inout RandomGenerator) throws -> TrainingBatch {
    var batch = try batch(at: generator.integers(below: self.count, [count])).to(model.device)
    if let dtype = model.computationDType { batch.examples = batch.examples.to(dtype) }
    return batch
  }
}

/// Noisy points with a vector at each, and the model's asymmetry along it.
struct AsymmetryProbe {
  let points: NoisyPoints
  /// v, of signs.
  let vectors: Tensor
  /// s/√(4nD), to broadcast against the points.
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

  /// s·(∂D/∂x − ∂D/∂xᵀ)·v/√(4nD), recorded in the parameters.
  ///
  /// Jᵀ·w is a backward pass; it is linear in w, so that its derivative along v is J·v, and its value at w = v is Jᵀ·v.
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
