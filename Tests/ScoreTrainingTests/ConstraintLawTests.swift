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

  @Test(arguments: ConstraintCase.all) func constraintsKeepTheirLaws(_ constraint: ConstraintCase) throws {
    let (constraint, point) = try constraint.make()
    try expectConstraintLaws(of: constraint, at: point)
    #expect(try constraint.residual(at: point).norm() > 1e-3, "where it holds, there is little to try")
  }

  @Test(arguments: ConstraintCase.all, [0, 1])
  func projectionsChangeTheUpdate(_ constraint: ConstraintCase, _ rate: Double) throws {
    let (constraint, point) = try constraint.make()
    let update = point.map { $0.square() + 0.3 }
    var optimizer = NullSpaceProjected(
      SGD(learningRate: 1), constraint: constraint, solver: LSMR(tolerance: 1e-13),
      schedule: .init(correctionRate: rate))
    let projected = try optimizer.updates(for: update, at: point)
    #expect((Tensor.flatten(projected) + Tensor.flatten(update)).norm() > 1e-3, "the update is changed")
  }
}
