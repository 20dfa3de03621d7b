import Foundation
import TestSupport
import Testing
import Torch

struct CustomFunctionTests {
  struct Failure: Error, Equatable {
    let number: Int
  }

  final class Token {}

  /// x·sigmoid(x) with its derivative by hand.
  private func silu(_ x: Tensor) throws -> Tensor {
    try customFunction([x], forward: { [$0[0] * $0[0].sigmoid()] }) { cotangents in
      let s = x.sigmoid()
      return [cotangents[0] * (s + x * s * (1 - s))]
    }[0]
  }

  private func failing(_ x: Tensor, _ number: Int = 1) throws -> Tensor {
    try customFunction([x], forward: { $0 }) { _ in throw Failure(number: number) }[0]
  }

  let x = Tensor([-1.0, 0, 0.5, 2]).variable()

  @Test func derivativesEqualTheEngines() throws {
    func chain(_ function: (Tensor) throws -> Tensor) throws -> [Tensor] {
      let y = try function(x)
      let first = try gradients(of: y.square().sum(), withRespectTo: [x], createGraph: true)[0]
      let second = try gradients(of: first.pow(3).sum(), withRespectTo: [x], createGraph: true)[0]
      let third = try gradients(of: second.sum(), withRespectTo: [x])[0]
      return [y, first, second, third]
    }
    expectClose(try chain(silu), try chain { $0.silu() }, rtol: 1e-12)
    expectGradient(of: { try silu($0[0]) }, at: [x], order: 3)
  }

  @Test func severalInputsAndOutputs() throws {
    let y = Tensor([3.0, 1, -2, 0.5]).variable()
    func function(_ inputs: [Tensor]) throws -> [Tensor] {
      try customFunction(inputs, forward: { [$0[0] * $0[1], $0[0] + $0[1]] }) { cotangents in
        [cotangents[0] * inputs[1] + cotangents[1], cotangents[0] * inputs[0] + cotangents[1]]
      }
    }
    expectGradient(of: { try function($0)[0].square() }, at: [x, y], order: 3)
    expectGradient(of: { try function($0)[1].pow(3) }, at: [x, y], order: 3)
    expectGradient(of: { inputs in try function(inputs).reduce(inputs[0]) { $0 * $1 } }, at: [x, y], order: 3)
  }

  @Test func absentGradientsAreZero() throws {
    let y = Tensor([1.0, 1, 1, 1]).variable()
    let result = try customFunction([x, y], forward: { [$0[0] + $0[1]] }) { [nil, $0[0] * 5] }[0]
    let slopes = try gradients(of: result.sum(), withRespectTo: [x, y])
    expectIdentical(slopes[0], Tensor.zeros([4], dtype: .float64))
    expectIdentical(slopes[1], Tensor.full([4], 5, dtype: .float64))
  }

  @Test func theOwnDerivativeIsUsedAndNotTheEngines() throws {
    let y = try customFunction([x], forward: { [$0[0].exp()] }) { [$0[0] * 0 + 42] }[0]
    expectClose(y, x.exp().detached())
    expectIdentical(try gradients(of: y.sum(), withRespectTo: [x])[0], Tensor.full([4], 42, dtype: .float64))
  }

  @Test func forwardIsNotRecordedAndBackwardIsOnlyOnDemand() throws {
    var modes: [Bool] = []
    func function() throws -> Tensor {
      try customFunction(
        [x],
        forward: { inputs in
          #expect(!gradientsAreRecorded)
          return inputs
        },
        backward: { cotangents in
          modes.append(gradientsAreRecorded)
          return [cotangents[0] * x]
        })[0]
    }
    _ = try gradients(of: function().sum(), withRespectTo: [x])
    _ = try gradients(of: function().sum(), withRespectTo: [x], createGraph: true)
    #expect(modes == [false, true])
    #expect(gradientsAreRecorded)
  }

  @Test func gradientsCanBeTakenInsideTheBackwardPass() throws {
    func exponential(_ input: Tensor) throws -> Tensor {
      try customFunction([input], forward: { [$0[0].exp()] }) { cotangents in
        try withGradients {
          let inner = input.requiresGradient ? input : input.variable()
          let y = inner.exp()
          return [try gradients(of: y, withRespectTo: [inner], seed: cotangents[0], createGraph: true)[0]]
        }
      }[0]
    }
    expectGradient(of: { try exponential($0[0]) }, at: [x], order: 2)
  }

  @Test func errorsComeOutTyped() throws {
    let y = try failing(x, 7)
    #expect(throws: Failure(number: 7)) { try gradients(of: y.sum(), withRespectTo: [x]) }
    // Later calls on this thread are not disturbed.
    expectClose(try gradients(of: x.square().sum(), withRespectTo: [x])[0], x.detached() * 2)
    #expect(throws: Failure(number: 3)) {
      try customFunction([x], forward: { _ in throw Failure(number: 3) }, backward: { $0 })
    }
  }

  @Test func errorsOfNestedBackwardPassesComeOutTyped() throws {
    // Beyond a depth of about 60 the engine goes on in threads of its own.
    func nested(_ depth: Int, _ input: Tensor) throws -> Tensor {
      if depth == 0 { return try failing(input, 99) }
      return try customFunction([input], forward: { $0 }) { cotangents in
        try withGradients {
          let variable = Tensor([1.0, 2, 3, 4]).variable()
          return [try gradients(of: try nested(depth - 1, variable), withRespectTo: [variable], seed: cotangents[0])[0]]
        }
      }[0]
    }
    for depth in [1, 80] {
      #expect(throws: Failure(number: 99)) { try gradients(of: try nested(depth, x).sum(), withRespectTo: [x]) }
    }
  }

  @Test func concurrentErrorsGoToTheirOwnThreads() async {
    await withTaskGroup { group in
      for number in 0..<32 {
        group.addTask {
          for round in 0..<10 {
            let x = Tensor([1.0, 2]).variable()
            let own = number * 100 + round
            #expect(throws: Failure(number: own)) {
              let y = try customFunction([x], forward: { $0 }) { _ in throw Failure(number: own) }[0]
              return try gradients(of: y.sum(), withRespectTo: [x])
            }
          }
        }
      }
    }
  }

  @Test func theClosureIsReleasedWithTheRecord() throws {
    weak var token: Token?
    var result: Tensor?
    func build(_ body: @escaping (Token, [Tensor]) throws -> [Tensor?]) throws {
      let own = Token()
      token = own
      result = try customFunction([x], forward: { $0 }) { try body(own, $0) }[0]
    }
    try build { _, cotangents in cotangents }
    #expect(token != nil)
    _ = try gradients(of: result!.sum(), withRespectTo: [x])
    #expect(token != nil)
    result = nil
    #expect(token == nil)
    // An error releases it all the same, and so does a record that is never used.
    try build { _, _ in throw Failure(number: 0) }
    #expect(throws: Failure.self) { try gradients(of: result!.sum(), withRespectTo: [x]) }
    result = nil
    #expect(token == nil)
  }

  @Test func wrongNumbersOfGradientsAreErrors() throws {
    for wrong in [[], [nil, nil]] as [[Tensor?]] {
      let y = try customFunction([x], forward: { $0 }) { _ in wrong }[0]
      let error = #expect(throws: CustomFunctionError.self) { try gradients(of: y.sum(), withRespectTo: [x]) }
      #expect(
        error?.description
          == "the backward closure of a custom function of 1 inputs returned \(wrong.count) gradients")
    }
  }

  @Test func wrongShapesOfGradientsAreErrors() throws {
    let y = try customFunction([x], forward: { $0 }) { _ in [Tensor.zeros([3], dtype: .float64)] }[0]
    let error = #expect(throws: EngineError.self) { try gradients(of: y.sum(), withRespectTo: [x]) }
    #expect(error?.message.contains("shape") == true)
  }

  @Test func nothingIsKeptWithoutRecording() throws {
    weak var token: Token?
    func plain(_ input: Tensor) throws -> Tensor {
      let own = Token()
      token = own
      return try customFunction([input], forward: { [$0[0] * 2] }) { cotangents in
        withExtendedLifetime(own) { cotangents }
      }[0]
    }
    let constant = try plain(x.detached())
    #expect(!constant.requiresGradient)
    #expect(token == nil)
    let silent = try withoutGradients { try plain(x) }
    #expect(!silent.requiresGradient)
    #expect(token == nil)
    #expect(try customFunction([x], forward: { _ in [] }, backward: { _ in [nil] }).isEmpty)
  }

  @Test func inputsAndOutputsMayBeTheSameTensor() throws {
    let y = try customFunction([x, x], forward: { [$0[0], $0[0]] }) { [$0[0], $0[1] * 3] }
    expectIdentical(try gradients(of: (y[0] + y[1]).sum(), withRespectTo: [x])[0], Tensor.full([4], 4, dtype: .float64))
    #expect(x.requiresGradient)
  }

  @Test func tensorsMayOutliveTheBackwardPass() throws {
    var kept: Tensor?
    let y = try customFunction([x], forward: { $0 }) { cotangents in
      kept = cotangents[0]
      return cotangents
    }[0]
    _ = try gradients(of: y, withRespectTo: [x], seed: Tensor([1.0, 2, 3, 4]))
    expectIdentical(try #require(kept), Tensor([1.0, 2, 3, 4]))
  }

  @Test func passesLeakNothing() throws {
    try expectNoLeaks {
      let input = Tensor([1.0, 2]).variable()
      let first = try gradients(of: silu(input).sum(), withRespectTo: [input], createGraph: true)[0]
      _ = try gradients(of: first.sum(), withRespectTo: [input])
    }
    try expectNoLeaks {
      let input = Tensor([1.0, 2]).variable()
      let y = try failing(input)
      #expect(throws: Failure.self) { try gradients(of: y.sum(), withRespectTo: [input]) }
      let wrong = try customFunction([input], forward: { $0 }) { [$0[0], $0[0]] }[0]
      #expect(throws: CustomFunctionError.self) { try gradients(of: wrong.sum(), withRespectTo: [input]) }
    }
  }
}
