import Foundation
import TestSupport
import Testing
import Torch

struct AutogradTests {
  struct Failure: Error {}

  let x = Tensor([1.0, 2, 3]).variable()

  @Test func gradientsMatchTheDerivative() throws {
    let y = x.pow(3).sum()
    expectClose(try gradients(of: y, withRespectTo: [x])[0], x.detached().square() * 3)
    expectClose((x * x).gradient(withRespectTo: x, seed: Tensor([1.0, 0, -1])), Tensor([2.0, 0, -6]))
  }

  @Test func unusedInputsGetZeros() throws {
    let other = Tensor.ones([2, 2], dtype: .float64).variable()
    let result = try gradients(of: x.sum(), withRespectTo: [x, other])
    expectIdentical(result[0], Tensor([1.0, 1, 1]))
    expectIdentical(result[1], Tensor.zeros([2, 2], dtype: .float64))
  }

  @Test func intermediateResultsHaveGradients() throws {
    let middle = x * 2
    let result = try gradients(of: middle.square().sum(), withRespectTo: [middle, x])
    expectClose(result[0], middle.detached() * 2)
    expectClose(result[1], middle.detached() * 4)
  }

  @Test func severalOutputsAddUp() throws {
    let seeds = [Tensor([1.0, 1, 1]), Tensor(10, dtype: .float64)]
    let result = try gradients(of: [x * 2, x.sum()], withRespectTo: [x], seeds: seeds)
    expectIdentical(result[0], Tensor([12.0, 12, 12]))
  }

  @Test func recordsAreUsedUpUnlessRetained() throws {
    let kept = x.exp().sum()
    let first = try gradients(of: kept, withRespectTo: [x], retainGraph: true)[0]
    let second = try gradients(of: kept, withRespectTo: [x])[0]
    expectIdentical(first, second)
    let error = #expect(throws: EngineError.self) { try gradients(of: kept, withRespectTo: [x]) }
    #expect(error?.description.contains("second time") == true)
  }

  @Test func onlyCreatedGraphsAreDifferentiatedAgain() throws {
    let recorded = try gradients(of: x.pow(3).sum(), withRespectTo: [x], createGraph: true)[0]
    #expect(recorded.requiresGradient)
    expectClose(try gradients(of: recorded.sum(), withRespectTo: [x])[0], x.detached() * 6)
    #expect(try !gradients(of: x.pow(3).sum(), withRespectTo: [x])[0].requiresGradient)
  }

  @Test func wrongRequestsAreErrorsOfOneLine() {
    let constant = Tensor([1.0, 2, 3])
    let requests: [() throws -> [Tensor]] = [
      { try gradients(of: constant.sum(), withRespectTo: [constant]) },
      { try gradients(of: x * 2, withRespectTo: [x]) },
      { try gradients(of: x * 2, withRespectTo: [x], seed: Tensor([1.0, 2])) },
      { try gradients(of: x.sum(), withRespectTo: [constant]) },
      { try gradients(of: withoutGradients { x.sum() }, withRespectTo: [x]) },
      { try gradients(of: x.detached().sum(), withRespectTo: [x]) },
    ]
    for request in requests {
      let error = #expect(throws: EngineError.self) { try request() }
      #expect(error?.description.hasPrefix("gradients: ") == true)
      #expect(error?.description.contains("\n") == false)
    }
  }

  @Test func recordingModesNest() {
    #expect(gradientsAreRecorded)
    withoutGradients {
      #expect(!gradientsAreRecorded)
      #expect(!(x * 2).requiresGradient)
      withGradients {
        #expect(gradientsAreRecorded)
        #expect((x * 2).requiresGradient)
        withoutGradients { #expect(!gradientsAreRecorded) }
        #expect(gradientsAreRecorded)
      }
      #expect(!gradientsAreRecorded)
    }
    #expect(gradientsAreRecorded)
  }

  @Test func recordingModesAreRestoredAfterErrors() {
    #expect(throws: Failure.self) { try withoutGradients { throw Failure() } }
    #expect(gradientsAreRecorded)
    withoutGradients {
      #expect(throws: Failure.self) { try withGradients { throw Failure() } }
      #expect(!gradientsAreRecorded)
    }
  }

  @Test func closuresPassResultsAndTypedErrorsThrough() {
    let result: Int = withoutGradients { 7 }
    #expect(result == 7)
    // That the error is typed is a matter of the compiler: this closure may throw nothing else.
    let failing: () throws(Failure) -> Void = { () throws(Failure) in
      try withGradients { () throws(Failure) in throw Failure() }
    }
    #expect(throws: Failure.self) { try failing() }
  }

  @Test func recordingBelongsToTheThread() async {
    let other = withoutGradients {
      let answer = Answer()
      let thread = Thread { answer.set(gradientsAreRecorded) }
      thread.start()
      return answer.wait()
    }
    #expect(other)
  }

  @Test func detachingAndVariables() {
    #expect(x.requiresGradient)
    #expect(!x.detached().requiresGradient)
    #expect((x + 1).requiresGradient)
    #expect(!(x .> 1).requiresGradient)
    let leaf = (x * 2).variable()
    #expect(leaf.requiresGradient)
    // The new variable does not remember x.
    expectIdentical(leaf.sum().gradient(withRespectTo: leaf), Tensor([1.0, 1, 1]))
    expectIdentical(leaf.sum().gradient(withRespectTo: x), Tensor([0.0, 0, 0]))
  }

  @Test func failedGradientsLeakNothing() {
    expectNoLeaks {
      let y = Tensor([1.0, 2]).variable()
      #expect(throws: EngineError.self) { try gradients(of: y * 2, withRespectTo: [y]) }
    }
  }

  /// A truth value that one thread hands to another.
  private final class Answer: @unchecked Sendable {
    private let ready = DispatchSemaphore(value: 0)
    private var value = false

    func set(_ value: Bool) {
      self.value = value
      ready.signal()
    }

    func wait() -> Bool {
      ready.wait()
      return value
    }
  }
}
