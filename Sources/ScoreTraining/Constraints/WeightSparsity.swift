internal import Files
public import ScoreModels
public import Torch

/// A growing set of the smallest weights is 0, c(θ) = θ on the set: gradual magnitude pruning as a constraint.
///
/// The schedule says when weights are chosen, how many, and how fast they go to zero. The weights of smallest magnitude are chosen,
/// and a chosen weight stays chosen. The last step of each interval makes the chosen weights exactly 0, and they stay exactly 0.
///
/// A selects weights, so that A·Aᵀ = I. In every diagonal metric the projection then has the closed form Δθ′ = −γ·θ on the set and Δθ
/// elsewhere. `imposed(on:)` makes a moving average as sparse as the weights.
///
/// - Cost: one pass through the parameters in each step, and a selection in linear time for each growth. Memory of one byte for each
///   parameter, and for a time one vector of their size; a growth needs four such vectors.
public struct WeightSparsity: Constraint {
  /// The set of weights among which the smallest are chosen.
  public enum Scope: String, Codable, Hashable, Sendable, CaseIterable {
    /// All weights together: layers with more small weights become sparser.
    case global
    /// The weights of each parameter separately: all parameters become equally sparse.
    case perParameter = "per-parameter"
  }

  /// The fraction of the weights that are 0 at the end, between 0 and 1.
  public let target: Double
  /// When weights are chosen, and how fast they go to zero.
  public let schedule: SparsitySchedule
  /// The set of weights among which the smallest are chosen.
  public let scope: Scope
  /// The positions of the weights to choose from, in the vector of all parameters.
  private let ranges: [Range<Int>]
  private let parameterCount: Int
  private var chosen: Tensor?
  private var chosenCounts: [Int]
  private var step = 0
  /// The number of weights that the end of the last interval made 0.
  private var zeroCount = 0
  /// The number of these that are 0 in the average too.
  private var imposedCount = 0

  /// Makes a constraint on a model's weights.
  ///
  /// - Parameters:
  ///   - model: the model that the optimizer trains.
  ///   - target: the fraction of the weights that are 0 at the end.
  ///   - schedule: when weights are chosen, and how fast they go to zero.
  ///   - scope: the set of weights among which the smallest are chosen.
  ///   - isWeight: which parameters are chosen from; by default those of two dimensions or more.
  /// - Precondition: the target is between 0 and 1, and there are weights to choose from.
  public init(
    of model: any Module, target: Double, schedule: SparsitySchedule, scope: Scope = .global,
    where isWeight: (NamedParameter) -> Bool = { $0.isWeight }
  ) {
    demand(target > 0 && target < 1, "a sparsity must be between 0 and 1, not \(target)")
    var (ranges, start): ([Range<Int>], Int) = ([], 0)
    for entry in model.namedParameters() {
      let count = entry.parameter.shape.reduce(1, *)
      if isWeight(entry), count > 0 { ranges.append(start..<(start + count)) }
      start += count
    }
    demand(!ranges.isEmpty, "the model has no weights that could become 0")
    self.target = target
    self.schedule = schedule
    self.scope = scope
    self.ranges = ranges
    parameterCount = start
    chosenCounts = ranges.map { _ in 0 }
  }

  /// The number of weights to choose from.
  public var weightCount: Int { ranges.reduce(0) { $0 + $1.count } }

  /// The number of chosen weights, which are 0 or on their way to 0.
  public var chosenCount: Int { chosenCounts.reduce(0, +) }

  // MARK: The constraint

  /// θ on the set and 0 elsewhere, a vector of all parameters' elements.
  ///
  /// - Throws: `ConstraintError` for parameters of another model.
  public func residual(at parameters: [Tensor]) throws -> Tensor {
    let vector = try checked(parameters)
    guard let chosen else { return vector * 0 }
    return Tensor.zeros(like: vector).replacing(where: chosen, with: vector)
  }

  /// The closed form.
  ///
  /// - Throws: `ConstraintError` for parameters of another model.
  public func projection(
    of update: [Tensor], at parameters: [Tensor], preconditioner: () -> [Tensor]?, correctionRate: Double
  ) throws -> ConstraintProjection? {
    guard let chosen else { return ConstraintProjection(update: update, constraintNorm: 0, residualNorm: 0) }
    let vector = try checked(parameters)
    let (projected, norm) = update.asVector.replacing(where: chosen, with: vector, scaledBy: -correctionRate)
    return ConstraintProjection(update: update.parts(of: projected), constraintNorm: norm, residualNorm: 0)
  }

  /// 1 over the number of steps left in the interval, and 1 after the last interval.
  public var correctionRate: Double? { schedule.rate(at: step) }

  /// The average with zeros where the weights have become 0; `nil` if the average has these zeros already.
  public mutating func imposed(on average: [Tensor]) throws -> [Tensor]? {
    guard let chosen, zeroCount == chosenCount, imposedCount < zeroCount else { return nil }
    imposedCount = zeroCount
    let vector = try checked(average)
    return average.parts(of: vector.replacing(where: chosen, with: vector, scaledBy: 0).result)
  }

  /// `sparsity`, the fraction of the weights that the constraint has made 0.
  public var measurements: [String: Double] { ["sparsity": Double(zeroCount) / Double(weightCount)] }

  private func checked(_ parameters: [Tensor]) throws -> Tensor {
    let vector = parameters.asVector
    guard vector.elementCount == parameterCount else {
      throw ConstraintError(
        "the sparsity is of a model of \(parameterCount) parameters, and there are \(vector.elementCount)")
    }
    return vector
  }

  // MARK: Growth

  /// Chooses more of the smallest weights if the schedule says so.
  public mutating func prepare(step: Int, at parameters: [Tensor]) throws {
    self.step = step
    let fraction = target * schedule.fraction(at: step)
    if fraction > 0 {
      let vector = try checked(parameters).detached()
      try withoutGradients { try grow(to: fraction, vector) }
    }
    if schedule.rate(at: step) == 1 { zeroCount = chosenCount }
  }

  private mutating func grow(to fraction: Double, _ vector: Tensor) throws {
    func count(_ total: Int) -> Int { Int((fraction * Double(total)).rounded()) }
    switch scope {
    case .global:
      let more = count(weightCount) - chosenCount
      guard more > 0 else { return }
      let smallest = candidates(vector).smallest(more)
      chosen = chosen.map { $0 .| smallest } ?? smallest
    case .perParameter:
      guard zip(ranges, chosenCounts).contains(where: { count($0.count) > $1 }) else { return }
      let magnitudes = candidates(vector)
      var pieces: [Tensor] = []
      var end = 0
      for (range, present) in zip(ranges, chosenCounts) {
        let more = count(range.count) - present
        pieces.append(.zeros([range.lowerBound - end], dtype: .bool, device: vector.device))
        let part = magnitudes.slicing(range.lowerBound, range.upperBound, along: 0)
        pieces.append(more > 0 ? part.smallest(more) : .zeros([range.count], dtype: .bool, device: vector.device))
        end = range.upperBound
      }
      pieces.append(.zeros([parameterCount - end], dtype: .bool, device: vector.device))
      let smallest = Tensor.concatenate(pieces)
      chosen = chosen.map { $0 .| smallest } ?? smallest
    }
    chosenCounts = counts(of: chosen)
  }

  /// |θ| for weights that can still be chosen, and ∞ elsewhere.
  private func candidates(_ vector: Tensor) -> Tensor {
    let infinity = Tensor(Double.infinity, dtype: vector.dtype).to(vector.device)
    var magnitudes = vector.abs()
    if let chosen { magnitudes = magnitudes.replacing(where: chosen, with: infinity) }
    guard weightCount < parameterCount else { return magnitudes }
    var (pieces, end): ([Tensor], Int) = ([], 0)
    for range in ranges {
      if range.lowerBound > end { pieces.append(infinity.expanded(to: [range.lowerBound - end])) }
      pieces.append(magnitudes.slicing(range.lowerBound, range.upperBound, along: 0))
      end = range.upperBound
    }
    if parameterCount > end { pieces.append(infinity.expanded(to: [parameterCount - end])) }
    return .concatenate(pieces)
  }

  private func counts(of chosen: Tensor?) -> [Int] {
    ranges.map { range in chosen.map { Int($0.slicing(range.lowerBound, range.upperBound, along: 0).sum().item()) } ?? 0
    }
  }

  // MARK: Saving

  /// The chosen weights as a mask, and the counters.
  public var state: [String: Tensor] {
    var state = ["step": Tensor([step]), "zeros": Tensor([zeroCount]), "imposed": Tensor([imposedCount])]
    state["chosen"] = chosen
    return state
  }

  /// Takes over saved state.
  ///
  /// - Throws: `OptimizerStateError` for a mask or counters of another model, or that contradict each other.
  public mutating func restore(_ state: [String: Tensor], for parameters: [Tensor]) throws {
    guard let step = counter(state["step"]), let zeros = counter(state["zeros"]),
      let imposed = counter(state["imposed"]),
      Set(state.keys).isSubset(of: ["step", "zeros", "imposed", "chosen"])
    else { throw OptimizerStateError("the saved state of the sparsity lacks its counters, or holds more than its own") }
    let chosen = state["chosen"]
    if let chosen, chosen.shape != [parameterCount] || chosen.dtype != .bool {
      throw OptimizerStateError(
        "the saved state of the sparsity tells for \(chosen.dtype)\(chosen.shape) whether they are chosen, not for "
          + "bool[\(parameterCount)]")
    }
    let counts = counts(of: chosen)
    let total = counts.reduce(0, +)
    guard total == chosen.map({ Int($0.sum().item()) }) ?? 0, zeros <= total, imposed <= zeros else {
      throw OptimizerStateError(
        "the saved state of the sparsity has chosen what is no weight, or counts more zeros than it chose")
    }
    self.step = step
    zeroCount = zeros
    imposedCount = imposed
    self.chosen = chosen
    chosenCounts = counts
  }
}

extension Tensor {
  /// A mask of the smallest elements; of equal elements the first are taken.
  fileprivate func smallest(_ count: Int) -> Tensor {
    let threshold = kthSmallest(count)
    let isAtMost = self .<= threshold
    let excess = Int(isAtMost.sum().item()) - count
    guard excess > 0 else { return isAtMost }
    let ties = self .== threshold
    let wanted = Int(ties.sum().item()) - excess
    return isAtMost .& ((self .< threshold) .| (ties.cumulativeSum(0) .<= Double(wanted)))
  }
}
