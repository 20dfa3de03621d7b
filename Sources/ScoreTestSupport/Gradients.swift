public import Testing
public import Torch

/// Expects the engine's derivatives of a function, from the first up to an order, to match finite differences.
///
/// The function's output is multiplied with random weights and summed; the gradient of that number is compared with
/// differences of fourth order in `float64`. Order k + 1 does the same to ⟨uₖ, gradient of order k⟩ for a random uₖ, so a
/// wrong derivative of any order shows in the next comparison. Directions are every element's own where there are at most
/// 48, else some random ones. Keep away from kinks: the differences reach 0.002 to each side.
///
/// - Parameters:
///   - function: from tensors to one tensor of any shape; it must be deterministic.
///   - inputs: where to differentiate; they are converted to `float64`.
///   - order: the highest order.
///   - seed: the seed of random directions.
///   - sourceLocation: where failures are reported; by default at the call.
public func expectGradient(
  of function: @escaping ([Tensor]) throws -> Tensor, at inputs: [Tensor], order: Int = 1, seed: UInt64 = 0,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  if let complaint = gradientComplaint(of: function, at: inputs, order: order, seed: seed) {
    Issue.record(Comment(rawValue: complaint), sourceLocation: sourceLocation)
  }
}

/// Which derivative does not match finite differences, in one sentence; nil if all do.
func gradientComplaint(
  of function: @escaping ([Tensor]) throws -> Tensor, at inputs: [Tensor], order: Int, seed: UInt64 = 0
) -> String? {
  let point = inputs.map { $0.to(.float64).detached() }
  var random = RandomGenerator(seed: seed, purpose: .probes)
  do {
    let shape = try function(point).shape
    var number = weighted(function, by: random.normal(shape, dtype: .float64))
    for order in 1...order {
      if let complaint = try derivativeComplaint(of: number, at: point, using: &random) {
        return "order \(order): \(complaint)"
      }
      number = slope(of: number, along: point.map { random.normal($0.shape, dtype: .float64) })
    }
  } catch {
    return "the function or its derivative failed: \(error)"
  }
  return nil
}

/// x ↦ ⟨weights, f(x)⟩.
private func weighted(
  _ function: @escaping ([Tensor]) throws -> Tensor, by weights: Tensor
) -> ([Tensor]) throws -> Tensor {
  { try function($0).to(.float64).dot(weights) }
}

/// x ↦ Σ ⟨direction, ∇f(x)⟩, recorded.
private func slope(
  of function: @escaping ([Tensor]) throws -> Tensor, along directions: [Tensor]
) -> ([Tensor]) throws -> Tensor {
  { inputs in
    let variables = inputs.map { $0.requiresGradient ? $0 : $0.variable() }
    let gradients = try derivative(of: function, at: variables, createGraph: true)
    return zip(gradients, directions).reduce(Tensor(0, dtype: .float64)) { $0 + $1.0.dot($1.1) }
  }
}

/// The gradient of a number; zeros where it does not depend on the inputs, as the high derivatives of a polynomial.
private func derivative(
  of function: ([Tensor]) throws -> Tensor, at variables: [Tensor], createGraph: Bool
) throws -> [Tensor] {
  let value = try function(variables)
  guard value.requiresGradient else { return variables.map(Tensor.zeros(like:)) }
  return try gradients(of: value, withRespectTo: variables, createGraph: createGraph)
}

private func derivativeComplaint(
  of function: @escaping ([Tensor]) throws -> Tensor, at point: [Tensor], using random: inout RandomGenerator
) throws -> String? {
  let exact = try derivative(of: function, at: point.map { $0.variable() }, createGraph: false)
  let tolerance = defaultTolerance(.float64, .float64) * max(1, Tensor.flatten(exact).norm())
  for (name, direction) in directions(at: point, using: &random) {
    let expected = try difference(of: function, at: point, along: direction)
    let actual = zip(exact, direction).reduce(0) { $0 + $1.0.dot($1.1).item() }
    // Written so that NaN fails.
    if !((actual - expected).magnitude <= tolerance) {
      return "the derivative along \(name) is \(actual), but finite differences give \(expected)"
    }
  }
  return nil
}

/// The derivative along a direction by the five-point rule, whose error is of fourth order in the step.
private func difference(
  of function: ([Tensor]) throws -> Tensor, at point: [Tensor], along direction: [Tensor]
) throws -> Double {
  let step = 1e-3  // About the fifth root of ε: truncation and rounding errors are then alike.
  func value(_ multiple: Double) throws -> Double {
    try function(zip(point, direction).map { $0 + $1 * (multiple * step) }).item()
  }
  return try (8 * (value(1) - value(-1)) - (value(2) - value(-2))) / (12 * step)
}

/// Unit directions to differentiate along: one for each element of few, else random ones, together and input by input.
private func directions(
  at point: [Tensor], using random: inout RandomGenerator
) -> [(name: String, direction: [Tensor])] {
  var result: [(String, [Tensor])] = []
  let zeros = point.map(Tensor.zeros(like:))
  let count = point.reduce(0) { $0 + $1.elementCount }
  for (index, input) in point.enumerated() {
    if count <= 48 {
      for element in 0..<input.elementCount {
        let unit = Tensor((0..<input.elementCount).map { $0 == element ? 1.0 : 0 }, shape: input.shape)
        result.append(("element \(element) of input \(index)", replacing(zeros, index, unit)))
      }
    } else if input.elementCount > 0 {
      let draw = random.normal(input.shape, dtype: .float64)
      result.append(("a direction of input \(index)", replacing(zeros, index, draw / draw.norm())))
    }
  }
  for _ in 0..<3 where count > 0 {
    let draw = point.map { random.normal($0.shape, dtype: .float64) }
    let norm = Tensor.flatten(draw).norm()
    result.append(("a direction of all inputs", draw.map { $0 / norm }))
  }
  return result
}

private func replacing(_ tensors: [Tensor], _ index: Int, _ tensor: Tensor) -> [Tensor] {
  var result = tensors
  result[index] = tensor
  return result
}
