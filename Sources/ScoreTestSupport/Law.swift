internal import Testing
internal import Torch

/// One law that is tried on one value; what it reports begins with the value's type and the law, at the line of the caller.
struct Law {
  private let name: String
  private let location: SourceLocation

  init(_ sentence: String, of value: Any, at location: SourceLocation) {
    name = "\(type(of: value)): \(sentence)"
    self.location = location
  }

  /// Expects a condition.
  func expect(_ lawHolds: Bool, _ detail: @autoclosure () -> String) {
    #expect(lawHolds, "\(name): \(detail())", sourceLocation: location)
  }

  /// Expects a condition without which the rest makes no sense; returns whether it holds.
  func requires(_ condition: Bool, _ detail: @autoclosure () -> String) -> Bool {
    expect(condition, detail())
    return condition
  }

  func expectClose(
    _ actual: Tensor, _ expected: Tensor, rtol: Double? = nil, atol: Double? = nil, _ detail: String = "values"
  ) {
    ScoreTestSupport.expectClose(
      actual, expected, rtol: rtol, atol: atol, "\(name): \(detail)", sourceLocation: location)
  }

  func expectClose(
    _ actual: Double, _ expected: Double, rtol: Double? = nil, atol: Double? = nil, _ detail: String = "values"
  ) {
    ScoreTestSupport.expectClose(
      actual, expected, rtol: rtol, atol: atol, "\(name): \(detail)", sourceLocation: location)
  }

  func expectIdentical(_ actual: Tensor, _ expected: Tensor, _ detail: String) {
    ScoreTestSupport.expectIdentical(actual, expected, "\(name): \(detail)", sourceLocation: location)
  }

  func expectGradient(of function: @escaping ([Tensor]) throws -> Tensor, at inputs: [Tensor], order: Int = 1) {
    if let complaint = gradientComplaint(of: function, at: inputs, order: order) { expect(false, complaint) }
  }

  func expectAdjoint(
    _ apply: (Tensor) throws -> Tensor, _ applyAdjoint: (Tensor) throws -> Tensor, from domain: [Int],
    to codomain: [Int], dtype: DType = .float64
  ) {
    if let complaint = adjointComplaint(apply, applyAdjoint, from: domain, to: codomain, dtype: dtype) {
      expect(false, complaint)
    }
  }

  /// Expects an error of a type.
  func expectError<Expected: Error>(_ type: Expected.Type, _ detail: String, _ body: () throws -> Void) {
    do {
      try body()
      expect(false, "\(detail): nothing is thrown instead of a \(Expected.self)")
    } catch {
      expect(error is Expected, "\(detail): \(Swift.type(of: error)) is thrown instead of a \(Expected.self)")
    }
  }
}
