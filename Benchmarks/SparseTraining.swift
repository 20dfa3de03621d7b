import ScoreKit

/// Ways to train a network of 52 million parameters, all but the first with 90 % of its weights chosen to be 0.
enum SparseTraining: String, CaseIterable, Codable {
  /// By Adam alone.
  case plain
  /// After all chosen weights have become 0.
  case hold
  /// While they go to 0.
  case ramp
  /// With more of them chosen before each step.
  case growth
  /// While they go to 0, by LSMR instead of the closed form, in the identity metric.
  case lsmr
  /// The same in Adam's metric, where LSMR takes as many iterations as it may, of which there are 10.
  case lsmrPreconditioner = "lsmr-preconditioner"

  /// A trainer before its first step, which chooses the first weights.
  func makeTrainer() throws -> Trainer {
    let network = BenchmarkNetwork.large
    let model = network.makeModel()
    func sparsity(_ schedule: SparsitySchedule) -> WeightSparsity {
      WeightSparsity(of: model, target: 0.9, schedule: schedule)
    }
    // One interval that no run comes to the end of.
    let ramp = SparsitySchedule(start: 1, interval: 1_000_000, growths: 1)
    let optimizer: any Optimizer =
      switch self {
      case .plain: Adam()
      case .hold:
        NullSpaceProjected(Adam(), constraint: sparsity(SparsitySchedule(start: 1, interval: 1, growths: 1)))
      case .ramp: NullSpaceProjected(Adam(), constraint: sparsity(ramp))
      case .growth:
        NullSpaceProjected(Adam(), constraint: sparsity(SparsitySchedule(start: 1, interval: 1, growths: 1_000)))
      case .lsmr:
        NullSpaceProjected(
          Adam(), constraint: WithoutClosedForm(sparsity(ramp)), metric: .identity, solver: LSMR(tolerance: 1e-6))
      case .lsmrPreconditioner:
        NullSpaceProjected(
          Adam(), constraint: WithoutClosedForm(sparsity(ramp)), solver: LSMR(tolerance: 1e-6, iterationLimit: 10))
      }
    return try network.makeTrainer(model, optimizer: optimizer)
  }
}

/// A constraint that does not tell its closed form, so that its projections are solved for.
private struct WithoutClosedForm: Constraint {
  private var base: WeightSparsity

  init(_ base: WeightSparsity) { self.base = base }

  func residual(at parameters: [Tensor]) throws -> Tensor { try base.residual(at: parameters) }
  mutating func prepare(step: Int, at parameters: [Tensor]) throws { try base.prepare(step: step, at: parameters) }
  var correctionRate: Double? { base.correctionRate }
}
