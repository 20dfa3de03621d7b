internal import CTorch

/// Evaluates a function whose derivative you define.
///
/// - Parameters:
///   - inputs: the tensors that the function depends on and can be differentiated with respect to.
///   - forward: computes the outputs; its operations are not recorded.
///   - backward: maps the cotangents of the outputs, one of each output's shape, to the cotangents of the inputs; `nil`
///     stands for zero. It runs once for each gradient that is taken; its operations are recorded if that gradient is
///     to be differentiated again. For second derivatives, write it in recorded operations on the *inputs* that it
///     captures. Do not capture an output: that would keep the record alive for ever.
/// - Returns: the outputs of `forward`, attached to the record.
/// - Throws: errors of `forward`. An error of `backward` is thrown by the call of `gradients(of:withRespectTo:)` that
///   ran it.
public func customFunction(
  _ inputs: [Tensor], forward: ([Tensor]) throws -> [Tensor],
  backward: @escaping (_ cotangents: [Tensor]) throws -> [Tensor?]
) throws -> [Tensor] {
  let values = try withoutGradients { try forward(inputs) }
  guard gradientsAreRecorded, inputs.contains(where: \.requiresGradient) else { return values }
  let context = Unmanaged.passRetained(BackwardClosure(backward)).toOpaque()  // +1, released by the shim
  return produceMany("customFunction", count: values.count, inputs + values) { out in
    withHandles(inputs) { inputHandles, inputCount in
      withHandles(values) { valueHandles, valueCount in
        ctorch_custom_function(
          inputHandles, inputCount, valueHandles, valueCount, context, runBackward,
          { Unmanaged<BackwardClosure>.fromOpaque($0).release() }, { Unmanaged<ErrorBox>.fromOpaque($0).release() },
          out)
      }
    }
  }
}

/// A mistake in a custom function's backward closure.
public struct CustomFunctionError: Error, CustomStringConvertible, Equatable {
  /// The mistake in one sentence.
  public let description: String
}

private final class BackwardClosure {
  let body: ([Tensor]) throws -> [Tensor?]

  init(_ body: @escaping ([Tensor]) throws -> [Tensor?]) { self.body = body }
}

private final class ErrorBox {
  let error: any Error

  init(_ error: any Error) { self.error = error }
}

/// The Swift error behind the last `CTORCH_CALLBACK_ERROR` of this thread.
func takeCallbackError() -> any Error {
  defer { ctorch_clear_error() }
  guard let box = ctorch_callback_error() else { return EngineError("gradients") }
  return Unmanaged<ErrorBox>.fromOpaque(box).takeUnretainedValue().error
}

private let runBackward: ctorch_backward = { context, seeds, seedCount, results, resultCount, error in
  // The handles belong to the shim for the length of the call; a copy that Swift owns may outlive it.
  let cotangents = (0..<Int(seedCount)).map { index in
    produce("customFunction", []) { ctorch_alias(seeds[index], $0) }
  }
  do {
    let closure = Unmanaged<BackwardClosure>.fromOpaque(context).takeUnretainedValue()
    let gradients = try closure.body(cotangents)
    guard gradients.count == Int(resultCount) else {
      throw CustomFunctionError(
        description:
          "the backward closure of a custom function of \(resultCount) inputs returned \(gradients.count) gradients")
    }
    for (index, gradient) in gradients.enumerated() {
      if let gradient { check("customFunction", ctorch_alias(gradient.pointer, results + index), [gradient]) }
    }
    return true
  } catch let failure {
    error.pointee = Unmanaged.passRetained(ErrorBox(failure)).toOpaque()
    return false
  }
}
