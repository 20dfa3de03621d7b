import LeastSquares
import ScoreModels
import ScoreTraining
import TestSupport
import Testing
import Torch

/// A constraint on a linear layer from 2 to 2 features, shown by its name.
struct ConstraintCase: CustomTestStringConvertible, Sendable {
  let testDescription: String
  private let build: @Sendable (ConstraintLayer) throws -> any Constraint

  init(_ name: String, _ build: @escaping @Sendable (ConstraintLayer) throws -> any Constraint) {
    testDescription = name
    self.build = build
  }

  /// The constraint, ready for use, and where it is.
  func make() throws -> (constraint: any Constraint, point: [Tensor]) {
    var generator = RandomGenerator(seed: 5)
    let layer = ConstraintLayer(
      weight: Parameter(generator.normal([2, 2], dtype: .float64)),
      bias: Parameter(generator.normal([2], dtype: .float64)))
    let point = layer.parameters().map { $0.value.detached() }
    var constraint = try build(layer)
    try constraint.prepare(step: 1, at: point)
    return (constraint, point)
  }

  private static var points: Tensor { Tensor([0.5, -1, 2, 0.3, -0.7, 1.1] as [Double], shape: [3, 2]) }

  /// Each type of constraint.
  static let all: [ConstraintCase] = [
    ConstraintCase("affine") { _ in
      let matrix = Tensor([1, 2, 0, -1, 0.5, 3, 0, 1, 1, 2, -2, 0] as [Double], shape: [2, 6])
      return AffineConstraint(matrix, equals: Tensor([0.5, -1] as [Double]))
    },
    ConstraintCase("function") { layer in
      FunctionConstraint(of: layer) { Tensor.concatenate([$0.weight.value.square().sum(0), $0.bias.value.tanh()]) }
    },
    ConstraintCase("norms") { _ in FixedNorm([2, 0.5], shapes: [[2, 2], [2]]) },
    ConstraintCase("outputs") { layer in
      OutputEquality.periodicity(of: layer, at: points, period: 0.5) { $0($1).tanh() }
    },
    ConstraintCase("sparsity") { layer in
      WeightSparsity(of: layer, target: 0.5, schedule: .init(start: 1, interval: 3, growths: 1))
    },
    ConstraintCase("symmetry") { layer in
      try JacobianSymmetry(of: layer, process: EDMProcess(), data: TensorData(points.to(.float32)), pointCount: 4)
    },
  ]
}

/// W·x + b, as a layer and as a score.
struct ConstraintLayer: ScoreModel {
  let weight: Parameter
  let bias: Parameter

  func callAsFunction(_ x: Tensor) -> Tensor { x.matmul(weight.value.transposed()) + bias.value }
  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    (self(x) + x.square() * bias.value).tanh() / (t.square() + 1).to(x.dtype).broadcastable(toRank: 2)
  }
}

/// What every constraint keeps to.
@Suite struct ConstraintLawTests {
  @Test func everyConstraintIsTried() throws {
    try expectEveryConformer(of: "Constraint", among: ConstraintCase.all.map { try $0.make().constraint })
  }

  @Test(arguments: ConstraintCase.all)
  func linearizationIsTheDerivativeOfTheResidual(_ constraint: ConstraintCase) throws {
    let (constraint, point) = try constraint.make()
    let linearization = try constraint.linearization(at: point)
    let (jacobian, vector) = (linearization.jacobian, Tensor.flatten(point))
    let residual = try constraint.residual(at: point).detached().flattened()
    expectClose(linearization.residual.detached(), residual, rtol: 1e-12, atol: 1e-12)
    #expect(residual.norm() > 1e-3)
    // The same for a list of parameters and one vector.
    expectClose(try constraint.residual(at: [vector]).detached().flattened(), residual, rtol: 1e-12, atol: 1e-12)
    var generator = RandomGenerator(seed: 2)
    for _ in 0..<3 {
      let (direction, h) = (generator.normal([6], dtype: .float64), 1e-4)
      func value(_ step: Double) throws -> Tensor {
        try constraint.residual(at: [vector + step * direction]).detached().flattened()
      }
      let slope = try (8 * (value(h) - value(-h)) - (value(2 * h) - value(-2 * h))) / (12 * h)
      expectClose(try jacobian.apply(direction).detached(), slope, rtol: 1e-7, atol: 1e-8)
      #expect(slope.norm() > 1e-3)
    }
    expectAdjoint(
      { try jacobian.apply($0) }, { try jacobian.applyAdjoint($0) }, from: [jacobian.columns], to: [jacobian.rows])
  }

  @Test(arguments: ConstraintCase.all, [0, 1])
  func projectedStepsTakeTheirPartOfTheViolationAway(_ constraint: ConstraintCase, _ rate: Double) throws {
    let (constraint, point) = try constraint.make()
    let update = point.map { $0.square() + 0.3 }
    var closed = NullSpaceProjected(
      SGD(learningRate: 1), constraint: constraint, solver: LSMR(tolerance: 1e-13),
      schedule: .init(correctionRate: rate))
    var solved = NullSpaceProjected(
      SGD(learningRate: 1), constraint: WithoutClosedForm(constraint: constraint), solver: DenseSolver(),
      schedule: .init(correctionRate: rate))
    let (one, other) = (try closed.updates(for: update, at: point), try solved.updates(for: update, at: point))
    #expect(one.map(\.shape) == point.map(\.shape))
    expectClose(.flatten(one), .flatten(other), rtol: 1e-6, atol: 1e-6)
    #expect((Tensor.flatten(one) + Tensor.flatten(update)).norm() > 1e-3, "the update is changed")
  }
}
