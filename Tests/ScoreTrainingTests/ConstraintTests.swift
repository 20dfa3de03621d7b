import LeastSquares
import ScoreModels
import ScoreTraining
import TestSupport
import Testing
import Torch

@Suite struct ConstraintTests {
  @Test func affineConstraintHoldsAfterOneFullStep() throws {
    let problem = ProjectionProblem(rows: 4, columns: 12, rank: 4)
    let update = try problem.projected(rate: 1).update
    expectClose(
      problem.matrix.matmul(problem.point + update), problem.target, rtol: 0, atol: 1e-10)
    expectClose(try problem.constraint.residual(at: [problem.point]), problem.violation, rtol: 0, atol: 1e-14)
    // The operator's own products agree with those of the recorded residual.
    let recorded = try FunctionConstraint { problem.matrix.matmul($0[0]) - problem.target }
      .linearization(at: [problem.point])
    let own = try problem.constraint.linearization(at: [problem.point])
    expectClose(recorded.residual, own.residual, rtol: 0, atol: 1e-14)
    expectClose(
      try recorded.jacobian.apply(problem.update), try own.jacobian.apply(problem.update), rtol: 0, atol: 1e-12)
  }

  @Test func affineConstraintOfAnotherElementTypeIsRefused() {
    let constraint = AffineConstraint(Tensor([[1 as Float, 2]]), equals: Tensor([1 as Float]))
    let error = #expect(throws: ConstraintError.self) { try constraint.residual(at: [Tensor([1.0, 2])]) }
    #expect(error?.description.contains("convert one of them") == true)
  }

  @Test func functionOfAModelMeansTheSameForAListAndAVector() throws {
    var generator = RandomGenerator(seed: 3, purpose: .initialization)
    let layer = Linear(2, 3, using: &generator)
    let constraint = FunctionConstraint(of: layer) { $0.weight.value.square().sum() - 1 }
    let parts = layer.parameters().map { $0.value.detached() * 2 }
    let (one, other) = (try constraint.linearization(at: parts), try constraint.linearization(at: [.flatten(parts)]))
    expectIdentical(one.residual, other.residual)
    expectClose(one.residual.item(), layer.weight.value.square().sum().item() * 4 - 1, rtol: 1e-5, atol: 0)
    expectIdentical(
      try one.jacobian.applyAdjoint(Tensor([1 as Float])), try other.jacobian.applyAdjoint(Tensor([1 as Float])))
    let error = #expect(throws: ConstraintError.self) { try constraint.residual(at: [.ones([4])]) }
    #expect(error?.description.contains("[4]") == true)
  }

  // MARK: Norms

  private static func makeModel() -> MLP {
    var generator = RandomGenerator(seed: 2, purpose: .initialization)
    return MLP(.init(shape: [2], width: 6, blocks: 1), using: &generator)
  }

  @Test(arguments: [false, true], [0, 0.5, 1])
  func closedFormOfFixedNormsIsTheSolversAnswer(_ isVector: Bool, _ rate: Double) throws {
    let shapes = [[3, 2], [4], [2, 2]]
    let constraint = FixedNorm([2, nil, 0.5], shapes: shapes)
    var generator = RandomGenerator(seed: 1)
    func draw() -> [Tensor] { shapes.map { generator.normal($0, dtype: .float64) } }
    let (values, update, metric) = (draw(), draw(), draw().map { $0.exp() })
    func form(_ tensors: [Tensor]) -> [Tensor] { isVector ? [.flatten(tensors)] : tensors }
    let given = { (tensors: [Tensor]) in
      try #require(
        try constraint.projection(
          of: form(update), at: form(values), preconditioner: { form(metric) }, correctionRate: rate))
    }
    let closed = try given(values)
    let root = Tensor.flatten(metric).sqrt()
    let linearization = try FunctionConstraint { try constraint.residual(at: $0) }.linearization(at: form(values))
    let vector = Tensor.flatten(update)
    let solution = try LSMR(tolerance: 1e-14).solve(
      ComposedOperator(linearization.jacobian, DiagonalOperator(root)),
      linearization.jacobian.apply(vector) + linearization.residual * rate)
    #expect(closed.update.map(\.shape) == form(update).map(\.shape))
    expectClose(.flatten(closed.update), vector - root * solution.x, rtol: 1e-10, atol: 1e-10)
    expectClose(closed.constraintNorm, linearization.residual.norm(), rtol: 1e-12, atol: 0)
    #expect(closed.residualNorm < 1e-12)
  }

  @Test func fixedNormsStayThroughTraining() throws {
    let model = Self.makeModel()
    let constraint = FixedNorm(of: model)
    let fixed = model.namedParameters().filter { $0.parameter.shape.count >= 2 && $0.parameter.value.norm() > 0 }
    let before = fixed.map { $0.parameter.value.norm() }
    #expect(fixed.count > 2)
    var optimizer = NullSpaceProjected(
      Adam(learningRate: 1e-3), constraint: constraint, schedule: .init(correctionRate: 1))
    var generator = RandomGenerator(seed: 4)
    for _ in 0..<30 {
      let parameters = model.parameters()
      let x = generator.normal([16, 2])
      let loss = (model(x, noise: .zeros([16]), condition: nil) - x.square()).square().mean()
      let gradients = try gradients(of: loss, withRespectTo: parameters.map(\.value))
      let updates = try optimizer.updates(for: gradients, at: parameters.map(\.value))
      withoutGradients {
        for (parameter, update) in zip(parameters, updates) { parameter.value = parameter.value + update }
      }
    }
    // A step along the tangent leaves the sphere by its square; the next one brings it back.
    for (entry, norm) in zip(fixed, before) {
      #expect(abs(entry.parameter.value.norm() / norm - 1) < 5e-3, "\(entry.name)")
    }
    #expect(fixed.contains { !($0.parameter.value .== Self.makeModel().state()[$0.name]!).all() })
  }

  @Test func averageHasTheFixedNorms() throws {
    let constraint = FixedNorm([2, nil], shapes: [[2], [2]])
    let average = try #require(try constraint.imposed(on: [Tensor([0.3, 0.4]), Tensor([1.0, 1])]))
    expectClose(average[0], Tensor([1.2, 1.6]), rtol: 1e-14, atol: 0)
    expectIdentical(average[1], Tensor([1.0, 1]))
    var optimizer = NullSpaceProjected(SGD(learningRate: 1), constraint: constraint)
    expectClose(
      try #require(try optimizer.adjustedAverage([Tensor([0.3, 0.4, 1, 1])]))[0], Tensor([1.2, 1.6, 1, 1]),
      rtol: 1e-14, atol: 0)
  }

  @Test func normOfZerosIsRefused() throws {
    let constraint = FixedNorm([1], shapes: [[2]])
    #expect(throws: ConstraintError.self) {
      try constraint.projection(
        of: [Tensor([1.0, 1])], at: [Tensor([0.0, 0])], preconditioner: { nil }, correctionRate: 1)
    }
    let error = #expect(throws: ConstraintError.self) { try constraint.residual(at: [Tensor([1.0])]) }
    #expect(error?.description.contains("[[2]]") == true)
  }

  // MARK: Outputs

  @Test func equivariantModelsHaveNoResidual() throws {
    var generator = RandomGenerator(seed: 3, purpose: .initialization)
    let layer = Linear(2, 2, using: &generator)
    let points = generator.normal([5, 2])
    // x ↦ W·x is odd up to its bias: f(−x) = −f(x) + 2b.
    let odd = OutputEquality.equivariance(
      of: layer, at: points, inputTransform: { -$0 }, outputTransform: { -$0 }, evaluating: { $0($1) })
    let parameters = layer.parameters().map { $0.value.detached() }
    let bias = try #require(parameters.first { $0.rank == 1 })
    expectClose(try odd.residual(at: parameters), (bias * 2).expanded(to: [5, 2]), rtol: 0, atol: 1e-6)
    var optimizer = NullSpaceProjected(
      SGD(learningRate: 0), constraint: odd, schedule: .init(correctionRate: 1))
    let updates = try optimizer.updates(for: parameters.map(Tensor.zeros(like:)), at: parameters)
    let fixed = zip(parameters, updates).map { $0 + $1 }
    #expect(try odd.residual(at: fixed).norm() < 1e-6)
    #expect(bias.norm() > 1e-2)
    expectClose(try #require(fixed.first { $0.rank == 1 }), Tensor.zeros([2]), rtol: 0, atol: 1e-6)
  }

  @Test func residualOfOutputsIsAFunctionOfTheParameters() throws {
    var generator = RandomGenerator(seed: 3, purpose: .initialization)
    let layer = Linear(1, 3, using: &generator)
    layer.convert(to: .float64)
    let points = generator.normal([4, 1], dtype: .float64)
    let constraint = OutputEquality.periodicity(of: layer, at: points, period: 0.5) { $0($1).tanh() }
    let vector = Tensor.flatten(layer.parameters().map { $0.value.detached() })
    expectGradient(of: { try constraint.residual(at: $0) }, at: [vector])
    // Afterwards the model is what it was.
    expectIdentical(.flatten(layer.parameters().map { $0.value.detached() }), vector)
  }

  @Test func outputsOfDifferentShapesAreRefused() throws {
    var generator = RandomGenerator(seed: 3, purpose: .initialization)
    let layer = Linear(2, 2, using: &generator)
    let constraint = OutputEquality(of: layer) { ($0(Tensor.ones([1, 2])), Tensor.ones([3])) }
    #expect(throws: ConstraintError.self) { try constraint.residual(at: layer.parameters().map(\.value)) }
  }
}
