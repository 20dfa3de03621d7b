public import Testing
public import Torch

/// The tolerance that a comparison uses by default: 10·√ε of the coarser of two element types, which asks for about
/// half the digits; 0 between types that are not floating-point.
public func defaultTolerance(_ first: DType, _ second: DType) -> Double {
  10 * max(first.ulpOfOne, second.ulpOfOne).squareRoot()
}

/// Expects two tensors to have the same shape and elements that differ by at most `atol + rtol·|expected|`.
///
/// Element types may differ. NaN is close to nothing, infinities are close to themselves. Both tolerances are
/// `defaultTolerance` unless they are given; integers and truth values are compared exactly.
public func expectClose(
  _ actual: Tensor, _ expected: Tensor, rtol: Double? = nil, atol: Double? = nil, _ comment: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  if let complaint = difference(actual, expected, rtol: rtol, atol: atol) {
    Issue.record(
      Comment(rawValue: comment.isEmpty ? complaint : "\(comment): \(complaint)"), sourceLocation: sourceLocation)
  }
}

/// Expects two numbers to differ by at most `atol + rtol·|expected|`; NaN is close to nothing.
public func expectClose(
  _ actual: Double, _ expected: Double, rtol: Double? = nil, atol: Double? = nil, _ comment: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  expectClose(
    Tensor(actual, dtype: .float64), Tensor(expected, dtype: .float64), rtol: rtol, atol: atol, comment,
    sourceLocation: sourceLocation)
}

/// Expects two tensors to have the same shape, element type and elements, bit for bit up to the sign of zero.
public func expectIdentical(
  _ actual: Tensor, _ expected: Tensor, _ comment: String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  guard actual.dtype == expected.dtype else {
    Issue.record("the element type is \(actual.dtype) instead of \(expected.dtype)", sourceLocation: sourceLocation)
    return
  }
  expectClose(actual, expected, rtol: 0, atol: 0, comment, sourceLocation: sourceLocation)
}

/// Expects two lists to have as many tensors as each other, each close to the other's.
public func expectClose(
  _ actual: [Tensor], _ expected: [Tensor], rtol: Double? = nil, atol: Double? = nil, _ comment: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  guard actual.count == expected.count, !expected.isEmpty else {
    Issue.record(
      "\(comment): \(actual.count) tensors instead of \(expected.count), or none", sourceLocation: sourceLocation)
    return
  }
  for (index, (actual, expected)) in zip(actual, expected).enumerated() {
    expectClose(
      actual, expected, rtol: rtol, atol: atol, "\(comment) number \(index)", sourceLocation: sourceLocation)
  }
}

/// Expects two lists to have as many tensors as each other, each identical to the other's.
public func expectIdentical(
  _ actual: [Tensor], _ expected: [Tensor], _ comment: String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  if actual.count == expected.count {
    #expect(actual.map(\.dtype) == expected.map(\.dtype), sourceLocation: sourceLocation)
  }
  expectClose(actual, expected, rtol: 0, atol: 0, comment, sourceLocation: sourceLocation)
}

/// What makes two tensors differ, in one sentence that shows the worst element; nil if they are close.
func difference(_ actual: Tensor, _ expected: Tensor, rtol: Double?, atol: Double?) -> String? {
  guard actual.shape == expected.shape else { return "the shape is \(actual.shape) instead of \(expected.shape)" }
  if !actual.dtype.isFloatingPoint, !expected.dtype.isFloatingPoint, rtol == nil, atol == nil {
    return integerDifference(actual.elements(), expected.elements(), shape: actual.shape)
  }
  let tolerance = defaultTolerance(actual.dtype, expected.dtype)
  let (rtol, atol) = (rtol ?? tolerance, atol ?? tolerance)
  var count = 0
  var worst = (excess: -Double.infinity, text: "")
  for (index, (a, e)) in zip(actual.elements(as: Double.self), expected.elements(as: Double.self)).enumerated()
  where a != e {
    let allowed = atol + rtol * e.magnitude
    let off = (a - e).magnitude
    // Written so that NaN, on either side, is never within the tolerance; nor is anything but itself to an infinity.
    if off <= allowed, off.isFinite { continue }
    count += 1
    let excess = off.isNaN ? .infinity : off - allowed
    if excess > worst.excess || worst.text.isEmpty {
      let place = position(index, in: actual.shape)
      worst = (excess, "at \(place): \(a) instead of \(e), off by \(off) where \(allowed) is allowed")
    }
  }
  return count == 0 ? nil : "\(count) of \(actual.elementCount) elements differ, the worst \(worst.text)"
}

private func integerDifference(_ actual: [Int], _ expected: [Int], shape: [Int]) -> String? {
  let wrong = actual.indices.filter { actual[$0] != expected[$0] }
  guard let first = wrong.first else { return nil }
  return
    "\(wrong.count) of \(actual.count) elements differ, the first at \(position(first, in: shape)): \(actual[first]) "
    + "instead of \(expected[first])"
}

/// The indices of an element by its place in row-major order.
private func position(_ index: Int, in shape: [Int]) -> [Int] {
  var rest = index
  return Array(
    shape.reversed().map { length in
      defer { rest /= length }
      return rest % length
    }.reversed())
}
