import ScoreModels
import TestSupport
import Testing
import Torch

/// E = Σ (a·x²/2 + b·x⁴/4)/(1 + t), whose score is written by hand.
private struct Written: EnergyModel {
  let a = Parameter(Tensor([0.5, 2, 1] as [Double]))
  let b = Parameter(Tensor([1, 0.25, 3] as [Double]))

  func energy(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    (a.value * x.square() / 2 + b.value * x.square().square() / 4).sumPerExample() / (t + 1)
  }

  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    -(a.value * x + b.value * x * x.square()) / (t + 1).reshaped(-1, 1)
  }
}

/// The same energy without the score.
private struct Derived: EnergyModel {
  let written = Written()

  func energy(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    written.energy(x, at: t, condition: condition)
  }
}

/// A density that is constant.
private struct Flat: EnergyModel {
  func energy(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor { .zeros([x.size(0)], dtype: x.dtype) }
}

/// The score that a model has from its energy alone.
@Suite struct OwnEnergyTests {
  private let x = normal([4, 3])
  private let t = Tensor([0.1, 0.5, 2, 7])

  @Test func itIsTheScoreThatOneWouldWrite() {
    let model = Derived()
    expectClose(model.score(x, at: t), model.written.score(x, at: t), rtol: 1e-13, atol: 1e-13)
    expectIdentical(withoutGradients { model.score(x, at: t) }, model.score(x, at: t).detached())
    expectIdentical(Flat().score(x, at: t), .zeros(like: x))
  }

  @Test func itIsDifferentiatedLikeOneThatIsWritten() throws {
    let model = Derived()
    let weights = normal([4, 3], seed: 9)
    func derivatives(_ score: (Tensor) -> Tensor) throws -> [Tensor] {
      let variable = x.variable()
      let first = try gradients(
        of: (score(variable) * weights).sum(),
        withRespectTo: [variable, model.written.a.value, model.written.b.value], createGraph: true)
      // Once more: the third derivatives of the energy.
      let third = try gradients(of: first[0].square().sum(), withRespectTo: [variable, model.written.b.value])
      return first.map { $0.detached() } + third
    }
    let found = try derivatives { model.score($0, at: t) }
    expectClose(found, try derivatives { model.written.score($0, at: t) }, rtol: 1e-12, atol: 1e-12)
    #expect(found.allSatisfy { $0.norm() > 0.1 })
  }

  @Test func itIsRecordedOnlyWhereTheCallerRecords() {
    let model = Derived()
    #expect(model.score(x, at: t).requiresGradient)
    #expect(!withoutGradients { model.score(x.variable(), at: t) }.requiresGradient)
    expectNoLeaks { _ = withoutGradients { model.score(x, at: t) } }
    expectNoLeaks { _ = model.score(x, at: t) }
  }
}
