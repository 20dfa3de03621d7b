public import ScoreModels
public import Testing
public import Torch

extension Module {
  /// Gives every parameter random values of `float64`, none of them 0, and returns the module.
  ///
  /// New networks have weights of 0, which cut off paths; with random weights a law sees all of them. The laws are then checked in
  /// double precision, where they are sharpest.
  @discardableResult
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

/// Expects the gradient of a number with respect to a module's parameters to match finite differences along random
/// directions, and not to be zero.
public func expectParameterGradient(
  of module: some Module, seed: UInt64 = 1, sourceLocation: SourceLocation = #_sourceLocation, _ number: () -> Tensor
) throws {
  let law = Law("the gradient in the parameters matches finite differences", of: module, at: sourceLocation)
  try expectParameters(of: module, law, seed: seed, number)
}

/// Expects the derivatives of an output in the parameters of a module not to vanish and, in `float64`, to match finite differences along
/// random directions; a module without parameters has none.
func expectParameters(of module: any Module, _ law: Law, seed: UInt64 = 1, _ output: () -> Tensor) throws {
  let parameters = module.parameters()
  guard !parameters.isEmpty else { return }
  guard withGradients({ output().requiresGradient }) else {
    return law.expect(false, "the output is not recorded, so that nothing is trained")
  }
  var random = RandomGenerator(seed: seed, purpose: .probes)
  let start = parameters.map { $0.value.detached() }
  let weights = random.normal(output().shape, dtype: .float64)
  func number() -> Tensor { output().to(.cpu).to(.float64).dot(weights) }
  defer { for (parameter, value) in zip(parameters, start) { parameter.value = value } }
  let exact = try withGradients { try gradients(of: number(), withRespectTo: parameters.map(\.value)) }
  let norm = Tensor.flatten(exact).norm()
  guard law.requires(norm > 0 && norm.isFinite, "the gradient has the norm \(norm)") else { return }
  guard start.allSatisfy({ $0.dtype == .float64 }) else { return }
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
    law.expectClose(actual, expected, rtol: 1e-6, atol: 1e-6 * norm, "along a random direction")
  }
}
