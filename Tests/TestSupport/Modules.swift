public import Testing
public import Torch

/// Random numbers of float64.
public func normal(_ shape: [Int], seed: UInt64 = 5) -> Tensor {
  var random = RandomGenerator(seed: seed, purpose: .data)
  return random.normal(shape, dtype: .float64)
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
