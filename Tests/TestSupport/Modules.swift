public import ScoreModels
public import Testing
public import Torch

extension Module {
  /// Gives every parameter random values of float64, none of them 0, so that no path through the module is cut off.
  public func randomized(seed: UInt64 = 11) -> Self {
    var random = RandomGenerator(seed: seed, purpose: .initialization)
    for parameter in parameters() {
      let shape = parameter.shape
      let fanIn = Double(max(shape.dropFirst().reduce(1, *), 1))
      let values = random.normal(shape, dtype: .float64)
      parameter.value = shape.count > 1 ? values / fanIn.squareRoot() : values * 0.3 + 0.5
    }
    return self
  }
}

/// Random numbers of float64.
public func normal(_ shape: [Int], seed: UInt64 = 5) -> Tensor {
  var random = RandomGenerator(seed: seed, purpose: .data)
  return random.normal(shape, dtype: .float64)
}

/// Expects the gradient of a number with respect to a module's parameters to match finite differences along random
/// directions, and not to be zero.
public func expectParameterGradient(
  of module: some Module, seed: UInt64 = 1, sourceLocation: SourceLocation = #_sourceLocation, _ number: () -> Tensor
) throws {
  let parameters = module.parameters()
  let start = parameters.map { $0.value.detached() }
  let exact = try gradients(of: number(), withRespectTo: parameters.map(\.value))
  let norm = Tensor.flatten(exact).norm()
  #expect(norm > 0 && norm.isFinite, sourceLocation: sourceLocation)
  var random = RandomGenerator(seed: seed, purpose: .probes)
  for _ in 0..<3 {
    var direction = start.map { random.normal($0.shape, dtype: .float64) }
    let length = Tensor.flatten(direction).norm()
    direction = direction.map { $0 / length }
    func value(_ step: Double) -> Double {
      for (parameter, (value, along)) in zip(parameters, zip(start, direction)) {
        parameter.value = value + along * step
      }
      return number().item()
    }
    let step = 1e-3
    let expected = (8 * (value(step) - value(-step)) - (value(2 * step) - value(-2 * step))) / (12 * step)
    let actual = zip(exact, direction).reduce(0) { $0 + $1.0.dot($1.1).item() }
    expectClose(actual, expected, rtol: 1e-6, atol: 1e-6 * norm, sourceLocation: sourceLocation)
  }
  for (parameter, value) in zip(parameters, start) { parameter.value = value }
}

/// ½‖(J − Jᵀ)v‖² of a map at x, whose gradient with respect to parameters is a third derivative.
public func squaredAsymmetry(of map: (Tensor) -> Tensor, at x: Tensor, probe v: Tensor) -> Tensor {
  let variable = x.variable()
  let output = map(variable)
  let cotangent = Tensor.zeros(like: output).variable()
  let transposed = output.gradient(withRespectTo: variable, seed: cotangent, createGraph: true)
  let forward = transposed.gradient(withRespectTo: cotangent, seed: v, createGraph: true)
  let backward = output.gradient(withRespectTo: variable, seed: v, createGraph: true)
  return (forward - backward).square().sum() * 0.5
}

/// The matrix of partial derivatives of a map from tensors of x's shape to tensors of the same number of elements.
public func jacobian(of map: (Tensor) -> Tensor, at x: Tensor) -> Tensor {
  let variable = x.variable()
  let output = map(variable)
  let count = output.elementCount
  return .stack(
    (0..<count).map { row in
      let seed = Tensor((0..<count).map { $0 == row ? 1.0 : 0 }, shape: output.shape)
      return output.gradient(withRespectTo: variable, seed: seed, retainGraph: true).flattened()
    })
}

/// Expects an error whose text is one sentence that mentions all of the given words.
public func expectSentence(
  _ error: (any Error)?, mentions words: String..., sourceLocation: SourceLocation = #_sourceLocation
) {
  guard let error else { return }
  let text = "\(error)"
  #expect(!text.contains("\n") && text.count < 400, "\(text)", sourceLocation: sourceLocation)
  for word in words { #expect(text.contains(word), "\(text) lacks \(word)", sourceLocation: sourceLocation) }
}
