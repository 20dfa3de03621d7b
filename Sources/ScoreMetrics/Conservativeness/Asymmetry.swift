public import ScoreModels
public import Torch

/// The asymmetry of a score's Jacobian J = ∂s/∂x at one noise level.
///
/// It is 0 if and only if the score is the gradient of a log density.
public struct Asymmetry: Codable, Hashable, Sendable {
  /// The noise level σ.
  public let sigma: Double
  /// Asym = E ½‖J − Jᵀ‖²_F over noisy data, in units of 1/x⁴.
  public let asym: Estimate
  /// NAsym = ¼E‖J − Jᵀ‖²_F/E‖J‖²_F ∈ [0, 1], a ratio of means: 0 for a symmetric and 1 for an antisymmetric J.
  public let nasym: Estimate
  /// The number of points.
  public let pointCount: Int
  /// Whether the whole J was formed at each point; the standard errors then come from the choice of points alone.
  public let isExact: Bool
}

/// Measures the asymmetry of a score's Jacobian at points xₜ = s·(x₀ + σε), one for each example x₀ and noise level σ.
///
/// Chao et al. (2023), *On investigating the conservative property of score-based generative models*, arXiv 2209.12753,
/// define Asym and NAsym. They estimate NAsym by the mean of ratios, which is biased; this function uses the ratio of
/// means, with the standard error of the delta method. J − Jᵀ is formed before it is squared, so its rounding errors
/// are squared too: for a conservative model NAsym is below 10⁻¹³ in `float32`.
///
/// The noise and the probes of an example depend only on the generator and on the example's index, and are the same at
/// each noise level. The values of a level therefore do not depend on the other levels, and depend on the batch size
/// only through rounding. The computation uses the model's element type and device, and `float64` if the model has no
/// parameters. The results are not recorded.
///
/// - Parameters:
///   - model: the score of data that `process` made noisy; its result for an example must not depend on the rest of the
///     batch.
///   - process: the process that makes the data noisy.
///   - sigmas: the noise levels.
///   - examples: x₀ `[count, …]` of any shape.
///   - condition: an entry for each example, such as class labels `[count]`, or `nil`.
///   - method: whether the whole J is formed or random probes are used.
///   - batchSize: the number of points that are evaluated together.
///   - generator: draws noise and probes.
///   - observe: called after each batch with the share of the work that is done, up to 1; an error that it throws ends
///     the measurement.
/// - Returns: an entry for each noise level, in the order of `sigmas`.
/// - Throws: `ConservativenessError` for invalid arguments, a noise level that the process does not have, a score whose
///   dependence on x is not recorded, and results that are not finite; errors of differentiating the model; errors of
///   `observe`.
/// - Complexity: one evaluation and the backward passes of the method, for each noise level and batch.
public func asymmetry(
  of model: any ScoreModel, process: any DiffusionProcess, at sigmas: [Double], examples: Tensor,
  condition: Tensor? = nil, method: AsymmetryMethod = .automatic, batchSize: Int = 64,
  using generator: inout RandomGenerator, observe: ((_ share: Double) throws -> Void)? = nil
) throws -> [Asymmetry] {
  try checkArguments(examples: examples, condition: condition, method: method, batchSize: batchSize)
  let known = process.sigmaRange
  for sigma in sigmas {
    try require(
      process.hasNoiseLevels(from: sigma, to: sigma),
      "the noise level \(sigma) is outside of those of the process, \(known.lowerBound) … \(known.upperBound)")
  }
  // The parameters are found by reflection, so they are looked up once.
  let device = model.device
  let measurement = AsymmetryMeasurement(
    model: model, process: process, examples: examples, condition: condition?.to(device),
    probeCount: method.probeCount(dimension: examples.elementCount / examples.size(0)), batchSize: batchSize,
    seeds: (0..<examples.size(0)).map { _ in generator.next() }, dtype: model.computationDType ?? .float64,
    device: device)
  return try sigmas.enumerated().map { index, sigma in
    try measurement.asymmetry(at: sigma) { share in try observe?((Double(index) + share) / Double(sigmas.count)) }
  }
}

private func checkArguments(
  examples: Tensor, condition: Tensor?, method: AsymmetryMethod, batchSize: Int
) throws(ConservativenessError) {
  try require(
    examples.rank > 1 && examples.elementCount > 0,
    "asymmetry is measured at examples of shape [count, …], at least one, not at shape \(examples.shape)")
  try require(examples.allFinite, "the examples hold numbers that are not finite")
  if let condition {
    try require(
      condition.rank > 0 && condition.size(0) == examples.size(0),
      "the condition has shape \(condition.shape), but needs an entry for each of the \(examples.size(0)) examples")
  }
  if case .probes(let count) = method { try require(count > 0, "at least 1 probe is needed, not \(count)") }
  try require(batchSize > 0, "a batch has a positive size, not \(batchSize)")
}

/// The arguments that are the same at each noise level.
private struct AsymmetryMeasurement {
  let model: any ScoreModel
  let process: any DiffusionProcess
  let examples: Tensor
  let condition: Tensor?
  let probeCount: Int?
  let batchSize: Int
  let seeds: [UInt64]
  let dtype: DType
  let device: Device

  func asymmetry(at sigma: Double, _ observe: (Double) throws -> Void) throws -> Asymmetry {
    let time = process.time(sigma: sigma)
    var (asymmetries, squares): ([Double], [Double]) = ([], [])
    for start in stride(from: 0, to: seeds.count, by: batchSize) {
      let end = min(start + batchSize, seeds.count)
      let norms = try norms(of: start..<end, at: time)
      asymmetries += norms.asymmetry.elements(as: Double.self)
      squares += norms.square.elements(as: Double.self)
      try require(
        norms.isFinite && norms.asymmetry.allFinite && norms.square.allFinite,
        "the score or its Jacobian is not finite at noise level \(sigma): check the model's weights and that it was trained "
          + "for this process")
      try observe(Double(end) / Double(seeds.count))
    }
    return Asymmetry(
      sigma: sigma, asym: Estimate(meanOf: asymmetries),
      nasym: Estimate(ratioOf: asymmetries.map { $0 / 2 }, to: squares), pointCount: seeds.count,
      isExact: probeCount == nil)
  }

  /// ½‖J − Jᵀ‖²_F and ‖J‖²_F for a range of examples, or unbiased estimates of both, and whether the score is finite.
  private func norms(
    of range: Range<Int>, at time: Double
  ) throws -> (asymmetry: Tensor, square: Tensor, isFinite: Bool) {
    var random = SampleGenerators(seeds: Array(seeds[range]))
    let shape = Array(examples.shape.dropFirst())
    let times = Tensor.full([range.count], time, dtype: .float64)
    let x = process.perturb(
      examples[range].detached().to(.cpu).to(.float64), noise: random.normal(shape, dtype: .float64), at: times)
    let jacobian = try ScoreJacobian(
      of: model, at: x.to(dtype).to(device), times.to(dtype).to(device), condition: condition?[range])
    let isFinite = jacobian.score.allFinite
    guard let probeCount else {
      let norms = norms(of: try jacobian.matrices())
      return (norms.asymmetry, norms.square, isFinite)
    }
    let probes = (0..<probeCount).map { _ in
      ((random.uniform(shape) .< 0.5).to(dtype) * 2 - 1).to(device)
    }
    var (asymmetry, square) = (Tensor(0, dtype: .float64), Tensor(0, dtype: .float64))
    for (product, adjointProduct) in try jacobian.products(with: probes) {
      asymmetry += squaredNorms(product - adjointProduct) * 0.5
      // By the parallelogram law ¼‖(J − Jᵀ)v‖² is at most this value, just as ¼‖J − Jᵀ‖²_F is at most ‖J‖²_F.
      square += (squaredNorms(product) + squaredNorms(adjointProduct)) * 0.5
    }
    return (asymmetry / Double(probeCount), square / Double(probeCount), isFinite)
  }

  private func norms(of matrices: Tensor) -> (asymmetry: Tensor, square: Tensor) {
    // In parts of about a million numbers, since double precision needs memory for copies.
    let (count, size) = (matrices.size(0), matrices.size(1))
    let length = max(1, (1 << 20) / (size * size))
    let parts = stride(from: 0, to: count, by: length).map { start in
      let part = matrices[start..<min(start + length, count)]
      return (squaredNorms(part - part.transposed()) * 0.5, squaredNorms(part))
    }
    return (.concatenate(parts.map(\.0)), .concatenate(parts.map(\.1)))
  }

  /// ‖·‖² for each example, on the processor, summed in double precision where the device has it.
  private func squaredNorms(_ x: Tensor) -> Tensor {
    (device == .mps ? x : x.to(.float64)).square().sumPerExample().to(.cpu).to(.float64)
  }
}
