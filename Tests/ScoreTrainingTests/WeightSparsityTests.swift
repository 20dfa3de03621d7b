import LeastSquares
import ScoreModels
import ScoreTraining
import TestSupport
import Testing
import Torch

@Suite struct WeightSparsityTests {
  private static func makeModel(width: Int = 16) -> MLPScore {
    var generator = RandomGenerator(seed: 7, purpose: .initialization)
    return MLPScore(
      MLP(.init(shape: [2], width: width, blocks: 1), using: &generator), process: EDMProcess(),
      parameterization: .edm(sigmaData: 1))
  }

  private static func makeTrainer(
    _ schedule: SparsitySchedule, target: Double = 0.9, scope: WeightSparsity.Scope = .global, interval: Int = 1,
    warmup: Int = 0
  ) throws -> Trainer {
    let model = makeModel()
    let constraint = WeightSparsity(of: model, target: target, schedule: schedule, scope: scope)
    var generator = RandomGenerator(seed: 1)
    return Trainer(
      model, process: EDMProcess(), data: try TensorData(generator.normal([50, 2])),
      objective: DenoisingScoreMatching(noiseLevels: .logNormal(), weighting: .edm(sigmaData: 1)),
      optimizer: NullSpaceProjected(
        Adam(weightDecay: 0.01), constraint: constraint,
        schedule: .init(interval: interval, warmupSteps: warmup)),
      settings: .init(
        batchSize: 16, schedule: LearningRateSchedule(peak: 3e-3, steps: 100), averageDecay: 0.9))
  }

  private static func zeros(_ state: [String: Tensor]) -> Int {
    state.values.filter { $0.rank >= 2 }.reduce(0) { $0 + Int(($1 .== 0).sum().item()) }
  }

  private static func weights(_ state: [String: Tensor]) -> Int {
    state.values.filter { $0.rank >= 2 }.reduce(0) { $0 + $1.elementCount }
  }

  // MARK: Schedule

  @Test func scheduleGrowsFastFirstAndReachesItsTarget() throws {
    let schedule = SparsitySchedule(start: 3, interval: 4, growths: 5)
    #expect(schedule.end == 22)
    var generator = RandomGenerator(seed: 1)
    let vector = generator.normal([Self.makeModel().parameterCount])
    var constraint = WeightSparsity(of: Self.makeModel(), target: 0.8, schedule: schedule)
    let weightCount = Double(constraint.weightCount)
    for step in 1...30 {
      try constraint.prepare(step: step, at: [vector])
      // 1 − (1 − k/n)³ of the target, in whole weights.
      let k = step < 3 ? 0 : min((step - 3) / 4 + 1, 5)
      let fraction = [0, 0.488, 0.784, 0.936, 0.992, 1][k]
      #expect(constraint.chosenCount == Int((0.8 * fraction * weightCount).rounded()), "step \(step)")
      let rates: [Double] = [1.0 / 4, 1.0 / 3, 1.0 / 2, 1]
      let rate: Double = step < 3 || step > 22 ? 1 : rates[(step - 3) % 4]
      #expect(constraint.correctionRate == rate, "step \(step)")
    }
  }

  @Test(arguments: [1, 2, 5, 10, 37, 1000, 100_000]) func scheduleOfARunEndsWithinIt(_ steps: Int) {
    let schedule = SparsitySchedule(steps: steps)
    #expect(schedule.start >= 1 && schedule.end <= steps && schedule.growths <= 6)
    if steps >= 100 {
      #expect(schedule.start == 1 + steps / 20)
      #expect(Double(schedule.end) > 0.55 * Double(steps) && Double(schedule.end) <= 0.62 * Double(steps))
    }
  }

  // MARK: Choice

  @Test func smallestWeightsAreChosenAndBiasesAreNot() throws {
    let model = Self.makeModel()
    let parameters = model.parameters().map { $0.value.detached() }
    let vector = Tensor.flatten(parameters)
    var constraint = WeightSparsity(
      of: model, target: 0.5, schedule: .init(start: 1, interval: 1, growths: 1))
    try constraint.prepare(step: 1, at: [vector])
    let isChosen = try #require(constraint.state["chosen"]).unflattened(like: parameters)
    var (largestChosen, smallestKept, count) = (0.0, Double.infinity, 0)
    for (value, mask) in zip(parameters, isChosen) {
      guard value.rank >= 2 else {
        #expect(!mask.any())
        continue
      }
      let (weights, chosens): ([Double], [Double]) = (value.abs().elements(), mask.to(.float64).elements())
      for (weight, chosen) in zip(weights, chosens) {
        if chosen == 1 { largestChosen = max(largestChosen, weight) } else { smallestKept = min(smallestKept, weight) }
        count += Int(chosen)
      }
    }
    #expect(count == constraint.chosenCount && count == Int((0.5 * Double(constraint.weightCount)).rounded()))
    #expect(largestChosen <= smallestKept && smallestKept < .infinity)
  }

  @Test func equalWeightsAreChosenInOrder() throws {
    var generator = RandomGenerator(seed: 7)
    let layer = Linear(10, 10, bias: false, using: &generator)
    var constraint = WeightSparsity(of: layer, target: 0.37, schedule: .init(start: 1, interval: 1, growths: 1))
    try constraint.prepare(step: 1, at: [.ones([100])])
    let chosen: [Double] = try #require(constraint.state["chosen"]).to(.float64).elements()
    #expect(chosen == (0..<100).map { $0 < 37 ? 1 : 0 })
  }

  @Test func scopePerParameterMakesAllEquallySparse() throws {
    let trainer = try Self.makeTrainer(.init(start: 2, interval: 2, growths: 3), target: 0.75, scope: .perParameter)
    for _ in 0..<10 { try trainer.advance() }
    for (name, value) in trainer.state.model where value.rank >= 2 {
      let zeros = Int((value .== 0).sum().item())
      #expect(abs(Double(zeros) - 0.75 * Double(value.elementCount)) <= 0.5, "\(name)")
    }
  }

  @Test func scopePerParameterChoosesTheSmallestOfEach() throws {
    let model = Self.makeModel()
    var generator = RandomGenerator(seed: 9)
    let parameters = model.parameters().map { generator.normal($0.shape) }
    var constraint = WeightSparsity(
      of: model, target: 0.4, schedule: .init(start: 1, interval: 1, growths: 1), scope: .perParameter)
    try constraint.prepare(step: 1, at: [.flatten(parameters)])
    let chosen = try #require(constraint.state["chosen"]).unflattened(like: parameters)
    for (value, mask) in zip(parameters, chosen) where value.rank >= 2 {
      let (zero, infinity) = (Tensor.zeros(like: value), Tensor.full(like: value, .infinity))
      let largest = zero.replacing(where: mask, with: value.abs()).max()
      #expect(largest.item() <= value.abs().replacing(where: mask, with: infinity).min().item())
    }
  }

  @Test func chosenSetOnlyGrows() throws {
    var constraint = WeightSparsity(
      of: Self.makeModel(), target: 0.9, schedule: .init(start: 1, interval: 1, growths: 6))
    var generator = RandomGenerator(seed: 3)
    var before = Tensor.zeros([Self.makeModel().parameterCount], dtype: .bool)
    for step in 1...6 {
      try constraint.prepare(step: step, at: [generator.normal([before.elementCount])])
      let chosen = try #require(constraint.state["chosen"])
      #expect(((before .& chosen) .== before).all())
      before = chosen
    }
  }

  // MARK: Projection

  @Test(arguments: [NullSpaceProjected<GivenUpdate>.Metric.identity, .preconditioner])
  func closedFormIsTheSolversAnswer(_ metric: NullSpaceProjected<GivenUpdate>.Metric) throws {
    let model = Self.makeModel()
    var generator = RandomGenerator(seed: 3)
    func draw() -> Tensor { generator.normal([model.parameterCount], dtype: .float64) }
    let (point, update, diagonal) = (draw(), draw(), draw().exp())
    let constraint = WeightSparsity(of: model, target: 0.6, schedule: .init(start: 1, interval: 3, growths: 1))
    var closed = NullSpaceProjected(
      GivenUpdate(update, preconditioner: [diagonal]), constraint: constraint, metric: metric)
    var solved = NullSpaceProjected(
      GivenUpdate(update, preconditioner: [diagonal]), constraint: WithoutClosedForm(constraint: constraint),
      metric: metric, solver: LSMR(tolerance: 1e-14))
    for _ in 1...3 {
      let one = try closed.updates(for: [update], at: [point])[0]
      expectClose(one, try solved.updates(for: [update], at: [point])[0], rtol: 1e-9, atol: 1e-9)
      expectClose(
        try #require(closed.projectionReport).constraintNorm, try #require(solved.projectionReport).constraintNorm,
        rtol: 1e-12,
        atol: 0)
    }
  }

  @Test func everyIntervalEndsInExactZerosThatStay() throws {
    let schedule = SparsitySchedule(start: 4, interval: 3, growths: 4)
    let trainer = try Self.makeTrainer(schedule)
    let weights = Self.weights(trainer.state.model)
    var zeros: [Int] = []
    let initial = Self.zeros(trainer.state.model)
    for step in 1...25 {
      let report = try trainer.advance()
      let projection = try #require(report.projection)
      #expect(projection.stopReason == .direct && projection.residualNorm == 0)
      zeros.append(Self.zeros(trainer.state.model))
      let k = step < 6 ? 0 : min((step - 3) / 3, 4)
      let wanted = (0.9 * [0, 0.578125, 0.875, 0.984375, 1][k] * Double(weights)).rounded()
      if k > 0 { #expect(Double(zeros[step - 1]) == wanted, "step \(step)") }
      expectClose(
        projection.measurements["sparsity"] ?? -1, k == 0 ? 0 : wanted / Double(weights), rtol: 1e-12, atol: 0)
    }
    #expect(zeros[24] == Int((0.9 * Double(weights)).rounded()) && initial < weights / 2)
    // The average is as sparse as the weights.
    for (name, value) in trainer.state.model where value.rank >= 2 {
      let average = try #require(trainer.state.average[name])
      expectIdentical((average .== 0).to(.uint8), (value .== 0).to(.uint8))
    }
    let biases = trainer.state.model.filter { $0.value.rank < 2 }
    #expect(biases.contains { ($0.value .!= 0).any() })
  }

  @Test func weightsGoToZeroInAStraightLine() throws {
    let trainer = try Self.makeTrainer(.init(start: 1, interval: 4, growths: 1), target: 0.5)
    let before = Tensor.flatten(trainer.model.parameters().map { $0.value.detached() })
    var norms: [Double] = []
    for _ in 1...5 {
      let report = try trainer.advance()
      norms.append(try #require(report.projection).constraintNorm)
    }
    for (norm, fraction) in zip(norms, [1, 0.75, 0.5, 0.25, 0]) {
      expectClose(norm, norms[0] * fraction, rtol: 1e-5, atol: 0)
    }
    #expect(norms[0] > 0 && norms[0] < before.norm())
  }

  @Test(arguments: [2, 5, 6, 8, 20]) func runInterruptedAnywhereGoesOnBitForBit(_ step: Int) throws {
    let schedule = SparsitySchedule(start: 3, interval: 4, growths: 3)
    let whole = try Self.makeTrainer(schedule)
    for _ in 0..<22 { try whole.advance() }
    let first = try Self.makeTrainer(schedule)
    for _ in 0..<step { try first.advance() }
    let second = try Self.makeTrainer(schedule)
    try second.restore(first.state)
    for _ in step..<22 { try second.advance() }
    for (one, other) in [
      (second.state.model, whole.state.model), (second.state.average, whole.state.average),
      (second.state.optimizer, whole.state.optimizer),
    ] {
      #expect(Set(one.keys) == Set(other.keys))
      for (name, value) in one { expectIdentical(value, try #require(other[name])) }
    }
  }

  @Test func intervalAndWarmUpConcernSolvesAlone() throws {
    let schedule = SparsitySchedule(start: 2, interval: 3, growths: 2)
    let trainer = try Self.makeTrainer(schedule, interval: 4, warmup: 9)
    for _ in 0..<12 { #expect(try trainer.advance().projection != nil) }
    let wanted = Int((0.9 * Double(Self.weights(trainer.state.model))).rounded())
    #expect(Self.zeros(trainer.state.model) == wanted && Self.zeros(trainer.state.average) == wanted)
  }

  @Test func runThatIsShortenedEndsSparseInTheAverageToo() throws {
    let long = try Self.makeTrainer(.init(start: 5, interval: 10, growths: 5))
    for _ in 0..<20 { try long.advance() }
    let short = try Self.makeTrainer(.init(start: 2, interval: 3, growths: 4))
    try short.restore(long.state)
    for _ in 0..<2 { try short.advance() }
    let wanted = Int((0.9 * Double(Self.weights(short.state.model))).rounded())
    #expect(Self.zeros(short.state.model) == wanted && Self.zeros(short.state.average) == wanted)
  }

  @Test(
    arguments: [
      (nil, "no"), ([3], "a constraint turned an average of float32[1442] into float32[3]"),
    ] as [([Int]?, String)])
  func trainerIsAsItWasIfTheAverageCannotBeImposedOn(_ shape: [Int]?, _ message: String) throws {
    struct Failing: Constraint {
      let shape: [Int]?
      func residual(at parameters: [Tensor]) -> Tensor { parameters[0].sum() }
      func imposed(on average: [Tensor]) throws -> [Tensor]? {
        guard let shape else { throw ConstraintError("no") }
        return [.zeros(shape)]
      }
    }
    let model = Self.makeModel()
    let trainer = Trainer(
      model, process: EDMProcess(), data: try TensorData(.ones([4, 2])),
      objective: DenoisingScoreMatching(noiseLevels: .logNormal(), weighting: .edm(sigmaData: 1)),
      optimizer: NullSpaceProjected(Adam(), constraint: Failing(shape: shape)),
      settings: .init(batchSize: 4, schedule: .init(peak: 1e-2, steps: 10)))
    let before = trainer.state
    #expect(throws: ConstraintError(message)) { try trainer.advance() }
    #expect(trainer.step == 0 && trainer.state.optimizer.keys == before.optimizer.keys)
    for (name, value) in before.model {
      expectIdentical(try #require(trainer.state.model[name]), value)
      expectIdentical(try #require(trainer.state.average[name]), value)
      expectIdentical(try #require(model.state()[name]), value)
    }
  }

  @Test func stateOfAnotherSparsityIsRefused() throws {
    let trainer = try Self.makeTrainer(.init(start: 1, interval: 1, growths: 1))
    try trainer.advance()
    let state = trainer.state
    for change: (inout [String: Tensor]) -> Void in [
      { $0["constraint.chosen"] = .zeros([3], dtype: .bool) },
      { $0["constraint.chosen"] = $0["constraint.chosen"]?.to(.float32) },
      { $0["constraint.step"] = nil }, { $0["constraint.zeros"] = Tensor([1.5]) },
      { $0["constraint.other"] = Tensor([1]) }, { $0["constraint.zeros"] = Tensor([100_000]) },
      { $0["constraint.chosen"] = nil }, { $0["constraint.imposed"] = Tensor([100_000]) },
      { $0["constraint.chosen"] = $0["constraint.chosen"].map { $0 .| ($0 .== 0) } },
    ] {
      var changed = state
      change(&changed.optimizer)
      #expect(throws: OptimizerStateError.self) { try trainer.restore(changed) }
    }
    try trainer.restore(state)
  }

  @Test func modelOfAnotherSizeIsRefused() throws {
    var constraint = WeightSparsity(
      of: Self.makeModel(), target: 0.5, schedule: .init(start: 1, interval: 1, growths: 1))
    #expect(throws: ConstraintError.self) { try constraint.prepare(step: 1, at: [.ones([5])]) }
  }
}
