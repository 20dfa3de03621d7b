public import Torch

/// A score model that is evaluated in batches of one size, so that a result does not depend on the size of the batch it is
/// computed in.
///
/// libtorch chooses the kernels of convolutions and matrix products by the shape of the whole batch, and these sum in
/// different orders: the same example differs in its last bits between batches of 7 and 64, and a sampler makes visible
/// differences of them. Here a larger batch is split, and the last part is filled up with copies of its last example.
///
/// Nor does a result depend on the place in the batch, with two exceptions, found by trying libtorch's operators on a
/// processor with AVX-512. Elementwise functions such as `silu` are computed differently in the last few elements of a
/// tensor, unless 32 divides n times the elements of an example: n = 16 serves for all even numbers, n = 32 for all. And
/// MKL's products with an untransposed matrix of few columns, such as the gradient of a first layer with 6 inputs, depend
/// on the alignment of rows in memory; 4 places further the alignment is the same, and the environment variable
/// `MKL_CBWR=AUTO` does away with it.
///
/// Costs as many evaluations as the batch has parts; up to n − 1 examples of the last one are wasted.
public struct FixedBatchScore: ScoreModel {
  /// The model that is evaluated.
  public let base: any ScoreModel
  /// The number n of examples in each evaluation.
  public let batchSize: Int

  /// The parameters carry no prefix.
  public static var parameterNames: [String: String] { ["base": ""] }

  /// Makes a model.
  ///
  /// - Precondition: `batchSize` is positive.
  public init(_ base: any ScoreModel, batchSize: Int = 16) {
    precondition(batchSize > 0, "a batch has a positive size, not \(batchSize)")
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
    inParts(x, t, condition) { base.score($0, at: $1, condition: $2) }
  }

  /// The denoiser of the base model.
  public func denoised(
    _ x: Tensor, at t: Tensor, process: any DiffusionProcess, condition: Tensor?
  ) -> Tensor {
    inParts(x, t, condition) { base.denoised($0, at: $1, process: process, condition: $2) }
  }

  /// The same model with the energy of the base model, where that has one.
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

  /// n examples from `start`, the last one repeated as needed, in memory of their own.
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
    return parts.inParts(x, t, condition) { base.energy($0, at: $1, condition: $2) }
  }

  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    parts.score(x, at: t, condition: condition)
  }

  func denoised(_ x: Tensor, at t: Tensor, process: any DiffusionProcess, condition: Tensor?) -> Tensor {
    parts.denoised(x, at: t, process: process, condition: condition)
  }

  var energyModel: (any EnergyModel)? { self }
}
