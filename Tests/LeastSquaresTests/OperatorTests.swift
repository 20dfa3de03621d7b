import LeastSquares
import TestSupport
import Testing
import Torch

/// The laws that every operator obeys.
@Suite struct OperatorLawTests {
  @Test func everyOperatorAndEverySolverIsTried() throws {
    try expectEveryConformer(of: "LinearOperator", among: try OperatorCase.all.map { try $0.make() })
    try expectEveryConformer(of: "LeastSquaresSolver", among: LeastSquaresGradientTests.solvers)
  }

  @Test(arguments: OperatorCase.all, [DType.float64, .float32])
  func operatorsKeepTheirLaws(_ operatorCase: OperatorCase, _ dtype: DType) throws {
    let a = try operatorCase.make(dtype, variables: true)
    try expectOperatorLaws(of: a, dtype: dtype)
    #expect(try a.matrix(like: Tensor(0, dtype: dtype), a.parameters).norm() > 0.1, "an operator of 0 keeps all laws")
    let constant = try operatorCase.make(dtype).apply(Tensor.ones([a.columns], dtype: dtype))
    #expect(!constant.requiresGradient, "products are recorded for variables alone")
  }

  @Test(arguments: OperatorCase.all)
  func operatorsLeaveNothingBehind(_ operatorCase: OperatorCase) throws {
    try expectNoLeaks {
      let a = try operatorCase.make(variables: true)
      let y = Tensor.ones([a.rows], dtype: .float64).variable()
      _ = try gradients(of: a.applyAdjoint(y).square().sum(), withRespectTo: [y] + a.parameters, createGraph: true)
    }
  }
}
