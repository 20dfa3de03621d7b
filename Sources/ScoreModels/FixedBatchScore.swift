internal import Files
public import Torch

/// A score model that is always evaluated in batches of n examples, so that results do not depend on the batch size.
///
/// libtorch chooses the kernels of convolutions and matrix products by the shape of the whole batch, and different
/// kernels sum in different orders. The result for one example therefore differs in its last bits between batches of 7
/// and 64, and a sampler amplifies these bits to visible differences. Here every batch is split into parts of n
/// examples; copies of the last example fill up the last part.
///
/// A result does not depend on the place of the example in the batch either, with two exceptions. They were found by
/// trying libtorch's operators on a processor with AVX-512.
///
/// - Elementwise functions such as `silu` are computed differently in the last few elements of a tensor, unless 32
///   divides n·(elements of an example). n = 16 is enough for an even number of elements, n = 32 for any number.
/// - MKL's products with an untransposed matrix of few columns, such as the gradient of a first layer with 6 inputs,
///   depend on the alignment of rows in memory. The alignment repeats every 4 places. The environment variable
///   `MKL_CBWR=AUTO` removes the dependence.
///
/// Costs one evaluation for each part; up to n − 1 examples of the last part are wasted.
public struct FixedBatchScore: ScoreModel {
  /// The model that is evaluated.
  public let base: any ScoreModel
  /// The number n of examples in each evaluation.
  public let batchSize: Int

  /// The parameters carry no prefix.
  public static var parameterNames: [String: String] { ["base": ""] }

  /// Wraps a model, which is then evaluated on `batchSize` examples at a time.
  ///
  /// - Precondition: `batchSize` is positive.
  public init(_ base: any ScoreModel, batchSize: Int = 16) {
    demand(batchSize > 0, "a batch has a positive size, not \(batchSize)")
    self.base = base
    self.batchSize = batchSize
  }

  /// The number of examples in an evaluation by default: a function of the shape of an example alone.
  ///
  /// Larger batches cost less for each example where examples are small. A multiple of 32 makes a result independent of its
  /// place in the batch; 16 does where an example has an even number of elements.
  public static func batchSize(exampleShape shape: [Int]) -> Int {
    let elements = max(shape.reduce(1, *), 1)
    let large = min(1024, 4096 / elements / 32 * 32)
    return large > 0 ? large : elements % 2 == 0 ? 16 : 32
  }

  /// The score of the base model.
  public func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    inParts(x, t, condition) { base.checkedScore($0, at: $1, condition: $2) }
  }

  /// The denoiser of the base model.
  public func denoised(
    _ x: Tensor, at t: Tensor, process: any DiffusionProcess, condition: Tensor?
  ) -> Tensor {
    inParts(x, t, condition) { base.checkedDenoised($0, at: $1, process: process, condition: $2) }
  }

  /// The energy of the base model, also evaluated in parts of n examples; `nil` if the base model has none.
  public var energyModel: (any EnergyModel)? {
    base.energyModel.map { FixedBatchEnergy(base: $0, batchSize: batchSize) }
  }

  fileprivate func inParts(
    _ x: Tensor, _ t: Tensor, _ condition: Tensor?, _ evaluate: (Tensor, Tensor, Tensor?) -> Tensor
  ) -> Tensor {
    let count = x.size(0)
    if count == 0 { return x }
    let parts = stride(from: 0, to: count, by: batchSize).map { start in
      evaluate(part(x, from: start), part(t, from: start), condition.map { part($0, from: start) })
    }
    return Tensor.concatenate(parts)[0..<count]
  }

  /// A copy of n examples from `start` on; past the end of x the last example is repeated.
  private func part(_ x: Tensor, from start: Int) -> Tensor {
    let last = x.size(0) - 1
    return x.gathering((start..<(start + batchSize)).map { min($0, last) })
  }
}

/// An energy and its score that are evaluated in batches of one size.
private struct FixedBatchEnergy: EnergyModel {
  let base: any EnergyModel
  let batchSize: Int

  static var parameterNames: [String: String] { FixedBatchScore.parameterNames }

  private var parts: FixedBatchScore { FixedBatchScore(base, batchSize: batchSize) }

  func energy(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    if x.size(0) == 0 { return x.sumPerExample() }
    return parts.inParts(x, t, condition) { base.checkedEnergy($0, at: $1, condition: $2) }
  }

  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    parts.score(x, at: t, condition: condition)
  }

  func denoised(_ x: Tensor, at t: Tensor, process: any DiffusionProcess, condition: Tensor?) -> Tensor {
    parts.denoised(x, at: t, process: process, condition: condition)
  }

  var energyModel: (any EnergyModel)? { self }
}
