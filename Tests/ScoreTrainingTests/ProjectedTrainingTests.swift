import LeastSquares
import ScoreModels
import ScoreTraining
import TestSupport
import Testing
import Torch

/// Projection over several steps: what an optimizer does around it.
@Suite struct ProjectedTrainingTests {
  /// A network f from the line to the line, with f(x + 1) = f(x) wanted at 3 points and f = sin 2πx learned at 8.
  private struct Problem {
    let first: Linear
    let second: Linear
    let points: Tensor

    init(dtype: DType, seed: UInt64 = 5) {
      var generator = RandomGenerator(seed: seed, purpose: .initialization)
      first = Linear(1, 12, using: &generator)
      second = Linear(12, 1, using: &generator)
      points = generator.normal([8, 1], dtype: dtype)
      for layer in [first, second] { layer.convert(to: dtype) }
    }

    func constraint() -> OutputEquality {
      .periodicity(of: Network(first: first, second: second), at: points[0..<3], period: 1) { $0($1) }
    }

    struct Network: Module {
      let first: Linear
      let second: Linear
      func callAsFunction(_ x: Tensor) -> Tensor { second(first(x).tanh()) }
    }

    var target: Tensor { (points * (2 * Double.pi)).sin() }
    var network: Network { Network(first: first, second: second) }
    var vector: Tensor { .flatten(network.parameters().map { $0.value.detached() }) }

    func gradient(at vector: Tensor) throws -> Tensor {
      let variable = vector.variable()
      let loss = network.withParameters([variable]) { (network(points) - target).square().mean() }
      return try gradients(of: loss, withRespectTo: [variable])[0]
    }
  }

  @Test func projectionAfterAdamIsTangentAndBeforeAdamIsNot() throws {
    let problem = Problem(dtype: .float32)
    let constraint = problem.constraint()
    var after = NullSpaceProjected(
      Adam(), constraint: constraint, solver: LSMR(tolerance: 1e-7), schedule: .init(correctionRate: 0))
    var adam = Adam()
    var (vector, other) = (problem.vector, problem.vector)
    for _ in 0..<6 {
      let update = try after.updates(for: [problem.gradient(at: vector)], at: [vector])[0]
      let tangency = try constraint.linearization(at: [vector]).jacobian.apply(update).norm() / update.norm()
      #expect(tangency < 1e-5)
      #expect(update.norm() > 1e-4)
      vector += update

      let gradient = try problem.gradient(at: other)
      var before = NullSpaceProjected(
        GivenUpdate(gradient), constraint: constraint, solver: LSMR(tolerance: 1e-7),
        schedule: .init(correctionRate: 0))
      let direction = try before.updates(for: [gradient], at: [other])[0]
      let step = adam.updates(for: [direction], at: [other])[0]
      #expect(try constraint.linearization(at: [other]).jacobian.apply(step).norm() / step.norm() > 0.05)
      other += step
    }
  }

  @Test func violationVanishesWhileTheLossFalls() throws {
    let problem = Problem(dtype: .float64)
    let constraint = problem.constraint()
    func loss(_ vector: Tensor) -> Double {
      problem.network.withParameters([vector]) {
        (problem.network(problem.points) - problem.target).square().mean().item()
      }
    }
    var optimizer = NullSpaceProjected(Adam(learningRate: 3e-3), constraint: constraint)
    var vector = problem.vector
    let violation = try constraint.residual(at: [vector]).norm()
    var losses: [Double] = []
    for _ in 0..<400 {
      vector += try optimizer.updates(for: [problem.gradient(at: vector)], at: [vector])[0]
      losses.append(loss(vector))
    }
    #expect(try constraint.residual(at: [vector]).norm() < 1e-3 * violation)
    // The first steps are the correction's.
    #expect(losses[399] < 0.9 * losses[30])
  }

  @Test func vectorAndListOfParametersGiveTheSame() throws {
    let problem = Problem(dtype: .float64)
    let vector = problem.vector
    let parts = vector.unflattened(like: problem.network.parameters().map(\.value))
    let gradient = try problem.gradient(at: vector)
    let gradients = gradient.unflattened(like: parts)
    var (one, many) = (
      NullSpaceProjected(Adam(), constraint: problem.constraint()),
      NullSpaceProjected(Adam(), constraint: problem.constraint())
    )
    let updates = try many.updates(for: gradients, at: parts)
    #expect(updates.map(\.shape) == parts.map(\.shape))
    expectClose(
      .flatten(updates), try one.updates(for: [gradient], at: [vector])[0], rtol: 1e-9, atol: 1e-12)
  }

  // MARK: Steps

  @Test(arguments: [(0, 1), (0, 3), (2, 1), (2, 3)])
  func warmUpCountsFromTheFirstStep(_ settings: (warmup: Int, interval: Int)) throws {
    let problem = ProjectionProblem(rows: 3, columns: 9, rank: 3)
    var optimizer = NullSpaceProjected(
      SGD(learningRate: 0.1), constraint: problem.constraint,
      schedule: .init(interval: settings.interval, warmupSteps: settings.warmup))
    let projected = try (1...8).filter { _ in
      let update = try optimizer.updates(for: [problem.update], at: [problem.point])[0]
      let isPlain = (update .== problem.update * -0.1).all()
      #expect(isPlain == (optimizer.projectionReport == nil))
      return !isPlain
    }
    #expect(projected == Array(stride(from: settings.warmup + 1, through: 8, by: settings.interval)))
  }

  @Test func gradientsHaveAWarmUpOfTheirOwn() throws {
    let problem = ProjectionProblem(rows: 3, columns: 9, rank: 3)
    var optimizer = NullSpaceProjected(
      SGD(learningRate: 1), constraint: problem.constraint, solver: LSMR(tolerance: 1e-13),
      schedule: .init(correctionRate: 0.5, warmupSteps: 3), gradients: .init(correctionRate: 0.25, warmupSteps: 1))
    let changes = try (1...5).map { _ in
      let update = try optimizer.updates(for: [problem.update], at: [problem.point])[0]
      return problem.matrix.matmul(update)
    }
    expectClose(changes[0], -problem.matrix.matmul(problem.update), rtol: 1e-12, atol: 1e-12)
    for (change, rate) in zip(changes.dropFirst(), [0.25, 0.25, 0.5, 0.5]) {
      expectClose(change, problem.violation * -rate, rtol: 0, atol: 1e-9)
    }
  }

  @Test func warmStartSavesIterationsAndKeepsTheAnswer() throws {
    let problem = ProjectionProblem(rows: 30, columns: 60, rank: 30)
    func run(_ warmStart: Bool) throws -> (updates: [Tensor], iterations: [Int]) {
      var optimizer = NullSpaceProjected(
        GivenUpdate(problem.update), constraint: problem.constraint, solver: LSMR(tolerance: 1e-5), warmStart: warmStart
      )
      var (updates, iterations): ([Tensor], [Int]) = ([], [])
      for step in 0..<4 {
        let point = problem.point * (1 + 1e-4 * Double(step))
        updates += try optimizer.updates(for: [problem.update], at: [point])
        iterations.append(optimizer.projectionReport?.iterations ?? 0)
      }
      return (updates, iterations)
    }
    let (cold, warm) = (try run(false), try run(true))
    expectClose(cold.updates, warm.updates, rtol: 1e-3, atol: 1e-3)
    #expect(cold.iterations[0] == warm.iterations[0] && warm.iterations.allSatisfy { $0 > 0 })
    for (one, other) in zip(cold.iterations, warm.iterations).dropFirst() { #expect(Double(other) < 0.6 * Double(one)) }
  }

  @Test func warmStartKeepsTheAnswerWhereRangeAndMetricChange() throws {
    // Six equations of rank 4, curved, in a metric that changes with the steps.
    var generator = RandomGenerator(seed: 8)
    let matrix = generator.normal([4, 20], dtype: .float64)
    let mixing = generator.normal([6, 4], dtype: .float64)
    let constraint = FunctionConstraint { mixing.matmul((matrix.matmul($0[0]) / 10).tanh()) }
    let gradients = (0..<5).map { _ in generator.normal([20], dtype: .float64) }
    func run(_ warmStart: Bool) throws -> [Tensor] {
      var optimizer = NullSpaceProjected(
        Adam(learningRate: 0.3), constraint: constraint, solver: LSMR(tolerance: 1e-12), warmStart: warmStart)
      var point = Tensor.ones([20], dtype: .float64)
      return try gradients.map { gradient in
        point += try optimizer.updates(for: [gradient], at: [point])[0]
        return point
      }
    }
    expectClose(try run(true), try run(false), rtol: 1e-7, atol: 1e-7)
  }

  @Test(arguments: [false, true]) func restoredStateGoesOnExactly(_ warmStart: Bool) throws {
    let problem = Problem(dtype: .float32)
    var original = NullSpaceProjected(
      Adam(), constraint: problem.constraint(), solver: LSMR(tolerance: 1e-6),
      schedule: .init(interval: 2, warmupSteps: 1), warmStart: warmStart)
    var copy = original
    var vector = problem.vector
    for _ in 0..<4 { vector += try original.updates(for: [problem.gradient(at: vector)], at: [vector])[0] }
    try copy.restore(original.state, for: [vector])
    #expect((original.state["projection.multipliers"] != nil) == warmStart)
    for _ in 0..<3 {
      let gradient = try problem.gradient(at: vector)
      let update = try original.updates(for: [gradient], at: [vector])[0]
      expectIdentical(try copy.updates(for: [gradient], at: [vector])[0], update)
      #expect(copy.projectionReport == original.projectionReport)
      vector += update
    }
  }

  @Test func stateOfAnotherOptimizerIsRefused() throws {
    let problem = ProjectionProblem(rows: 3, columns: 9, rank: 3)
    var optimizer = NullSpaceProjected(Adam(), constraint: problem.constraint)
    _ = try optimizer.updates(for: [problem.update], at: [problem.point])
    let state = optimizer.state
    for change: (inout [String: Tensor]) -> Void in [
      { $0 = [:] }, { $0["projection.step"] = Tensor([-1]) }, { $0["projection.step"] = Tensor([Int.max]) },
      { $0["base.step"] = Tensor([Int.max]) }, { $0["base.step"] = Tensor([0]) },
      { $0["base.exp_avg.0"] = Tensor([1.0]) },
      { $0["base.step"] = nil }, { $0["constraint.x"] = Tensor([1.0]) }, { $0["other"] = Tensor([1.0]) },
      { $0["projection.x"] = Tensor([1.0]) }, { $0["projection.multipliers"] = Tensor([[1.0]]) },
      { $0 = Adam().state },
    ] {
      var changed = state
      change(&changed)
      #expect(throws: OptimizerStateError.self) { try optimizer.restore(changed, for: [problem.point]) }
    }
    try optimizer.restore(state, for: [problem.point])
  }
}
