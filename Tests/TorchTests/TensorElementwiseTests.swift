import Foundation
import TestSupport
import Testing
import Torch

struct TensorElementwiseTests {
  static let points = [-3.0, -1, -0.25, 0, 0.25, 1, 3]

  struct Function: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let tensor: @Sendable (Tensor) -> Tensor
    let scalar: @Sendable (Double) -> Double

    init(
      _ name: String, _ tensor: @escaping @Sendable (Tensor) -> Tensor, _ scalar: @escaping @Sendable (Double) -> Double
    ) {
      testDescription = name
      self.tensor = tensor
      self.scalar = scalar
    }
  }

  private static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
  private static func softplus(_ x: Double) -> Double { log1p(exp(x)) }

  static let functions: [Function] = [
    Function("abs", { $0.abs() }, abs),
    Function("sign", { $0.sign() }) { $0 == 0 ? 0 : $0 < 0 ? -1 : 1 },
    Function("exp", { $0.exp() }, exp),
    Function("expMinusOne", { $0.expMinusOne() }, expm1),
    Function("log", { ($0 + 4).log() }) { log($0 + 4) },
    Function("logOnePlus", { ($0 + 4).logOnePlus() }) { log1p($0 + 4) },
    Function("sqrt", { ($0 + 4).sqrt() }) { ($0 + 4).squareRoot() },
    Function("rsqrt", { ($0 + 4).rsqrt() }) { 1 / ($0 + 4).squareRoot() },
    Function("square", { $0.square() }) { $0 * $0 },
    Function("reciprocal", { ($0 + 4).reciprocal() }) { 1 / ($0 + 4) },
    Function("sin", { $0.sin() }, sin),
    Function("cos", { $0.cos() }, cos),
    Function("tanh", { $0.tanh() }, tanh),
    Function("erf", { $0.erf() }, erf),
    Function("sigmoid", { $0.sigmoid() }, sigmoid),
    Function("relu", { $0.relu() }) { max($0, 0) },
    Function("silu", { $0.silu() }) { $0 * sigmoid($0) },
    Function("mish", { $0.mish() }) { $0 * tanh(softplus($0)) },
    Function("gelu", { $0.gelu() }) { $0 * 0.5 * erfc(-$0 / 2.0.squareRoot()) },
    Function("gelu by tanh", { $0.gelu(tanhApproximation: true) }) {
      0.5 * $0 * (1 + tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0)))
    },
    Function("softplus", { $0.softplus() }, softplus),
    Function("softplus of 2", { $0.softplus(beta: 2) }) { softplus(2 * $0) / 2 },
    Function("floor", { $0.floor() }) { $0.rounded(.down) },
    Function("ceil", { $0.ceil() }) { $0.rounded(.up) },
    Function("round", { ($0 * 2).round() }) { ($0 * 2).rounded(.toNearestOrEven) },
    Function("clamped", { $0.clamped(to: -0.5...2) }) { min(max($0, -0.5), 2) },
  ]

  @Test(arguments: functions) func matchesItsDefinition(_ function: Function) {
    let expected = Tensor(Self.points.map(function.scalar))
    expectClose(function.tensor(Tensor(Self.points)), expected, rtol: 1e-14, atol: 1e-15)
    expectClose(function.tensor(Tensor(Self.points).to(.float32)), expected, rtol: 1e-6, atol: 1e-6)
  }

  @Test func smallArgumentsDoNotCancel() {
    expectClose(Tensor(1e-20, dtype: .float64).expMinusOne().item(), 1e-20, rtol: 1e-14, atol: 0)
    expectClose(Tensor(1e-20, dtype: .float64).logOnePlus().item(), 1e-20, rtol: 1e-14, atol: 0)
  }

  @Test func finiteElementsAreTold() {
    let x = Tensor([1, .infinity, -.infinity, .nan, 0] as [Double])
    #expect(x.isFinite().elements(as: Bool.self) == [true, false, false, false, true])
    #expect(!x.allFinite)
    #expect(Tensor([1.0, 2]).allFinite)
    #expect(Tensor([1, 2]).allFinite)
    #expect(Tensor.zeros([0]).allFinite)
  }

  @Test func softmaxSumsToOneWithoutOverflow() {
    let x = Tensor([1.0, 2, 3, 1000, 1001, 1002], shape: [2, 3])
    let total = exp(1.0) + exp(2.0) + exp(3.0)
    let expected = [exp(1.0) / total, exp(2.0) / total, exp(3.0) / total]
    expectClose(x.softmax(), Tensor(expected + expected, shape: [2, 3]), rtol: 1e-14)
    expectClose(x.logSoftmax(), Tensor((expected + expected).map { log($0) }, shape: [2, 3]), rtol: 1e-13)
    expectClose(x.softmax(dimension: 0), x.transposed().softmax().transposed())
    expectClose(x.softmax().sum(1), Tensor([1.0, 1]), rtol: 1e-15)
  }

  @Test func extremeArgumentsStayFinite() {
    let x = Tensor([-1000.0, 1000])
    expectClose(x.silu(), Tensor([0.0, 1000]))
    expectClose(x.softplus(), Tensor([0.0, 1000]))
    expectClose(x.gelu(), Tensor([0.0, 1000]))
    expectClose(x.mish(), Tensor([0.0, 1000]))
    expectClose(x.sigmoid(), Tensor([0.0, 1]))
    expectClose(x.tanh(), Tensor([-1.0, 1]))
  }
}
