internal import CTorch
internal import Files

/// Runs a closure whose operations are not recorded, so that nothing can be differentiated through them.
///
/// The recording mode belongs to the thread; the closure is therefore not asynchronous.
public func withoutGradients<Result, Failure: Error>(
  _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
  try recording(false, body)
}

/// Runs a closure whose operations are recorded, also inside `withoutGradients`.
public func withGradients<Result, Failure: Error>(
  _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
  try recording(true, body)
}

private func recording<Result, Failure: Error>(
  _ enabled: Bool, _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
  let before = ctorch_gradients_enabled()
  ctorch_set_gradients_enabled(enabled)
  defer { ctorch_set_gradients_enabled(before) }
  return try body()
}

/// Whether operations on this thread are being recorded.
public var gradientsAreRecorded: Bool { ctorch_gradients_enabled() }

extension Tensor {
  /// Whether operations on this tensor are recorded.
  public var requiresGradient: Bool { inspect(ctorch_requires_grad) }

  /// The same values without their recorded history: gradients do not pass through them.
  public func detached() -> Tensor { produce("detached", [self]) { ctorch_detach(pointer, $0) } }

  /// The same values as an independent variable: operations on it are recorded, and gradients can be taken with respect
  /// to it.
  ///
  /// - Precondition: the elements are floating-point numbers.
  public func variable() -> Tensor { produce("variable", [self]) { ctorch_leaf(pointer, $0) } }

  /// The gradient of Σ ⟨self, seed⟩ with respect to a tensor that it was computed from; traps where
  /// `gradients(of:withRespectTo:)` throws.
  public func gradient(
    withRespectTo input: Tensor, seed: Tensor? = nil, createGraph: Bool = false, retainGraph: Bool? = nil
  ) -> Tensor {
    do {
      return try gradients(
        of: self, withRespectTo: [input], seed: seed, createGraph: createGraph, retainGraph: retainGraph)[0]
    } catch {
      endProgram("gradient(withRespectTo:) of \(dtype)\(shape) for \(input.dtype)\(input.shape): \(error)")
    }
  }
}

/// The gradients of an output with respect to tensors that it was computed from.
///
/// - Parameters:
///   - output: a recorded tensor; a scalar unless there is a seed.
///   - inputs: variables, or intermediate results on the way to the output. An input that the output does not depend on
///     gets zeros.
///   - seed: the cotangent, of the output's shape: the result is ∂⟨seed, output⟩/∂input.
///   - createGraph: whether the gradients can be differentiated again.
///   - retainGraph: whether the record is kept for another call; by default only if `createGraph` is true.
/// - Returns: a tensor of each input's shape.
/// - Throws: the error of a custom function's backward closure, or `EngineError` (an output that was not recorded, a
///   record that is used up).
/// - Complexity: about twice the cost of computing the output.
public func gradients(
  of output: Tensor, withRespectTo inputs: [Tensor], seed: Tensor? = nil, createGraph: Bool = false,
  retainGraph: Bool? = nil
) throws -> [Tensor] {
  try gradients(
    of: [output], withRespectTo: inputs, seeds: seed.map { [$0] }, createGraph: createGraph, retainGraph: retainGraph)
}

/// The gradients of Σᵢ ⟨seedᵢ, outputᵢ⟩ with respect to tensors that the outputs were computed from.
///
/// - Throws: as for one output.
public func gradients(
  of outputs: [Tensor], withRespectTo inputs: [Tensor], seeds: [Tensor]?, createGraph: Bool = false,
  retainGraph: Bool? = nil
) throws -> [Tensor] {
  demand(seeds == nil || seeds?.count == outputs.count, "gradients need a seed for each output")
  var out = [OpaquePointer?](repeating: nil, count: inputs.count)
  let retain = retainGraph ?? createGraph
  let status = withHandles(outputs) { outputHandles, outputCount in
    withHandles(inputs) { inputHandles, inputCount in
      withHandles(seeds ?? []) { seedHandles, _ in
        ctorch_gradients(
          outputHandles, outputCount, seeds == nil ? nil : seedHandles, inputHandles, inputCount, createGraph, retain,
          &out)
      }
    }
  }
  let results = out.map { $0.map(Tensor.init(adopting:)) }
  switch Int(status) {
  case CTORCH_OK: break
  case CTORCH_CALLBACK_ERROR: throw takeCallbackError()
  default: throw EngineError("gradients")
  }
  return zip(inputs, results).map { input, result in result ?? Tensor.zeros(like: input) }
}
