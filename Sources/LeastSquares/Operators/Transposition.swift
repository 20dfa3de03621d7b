internal import Torch

/// Automatic transposition of a linear function: for f(z) = M·z, Mᵀ·y = ∂⟨y, f(z)⟩/∂z at any z.
///
/// The function is recorded once, at z = 0. Each product with Mᵀ is then one backward pass through that record.
struct Transposition {
  private let input: Tensor
  private let output: Tensor

  /// Records a function of vectors of a length, with the element type and the device of another tensor.
  init(length: Int, like other: Tensor, _ function: (Tensor) throws -> Tensor) throws {
    let input = Tensor.zeros([length], dtype: other.dtype, device: other.device).variable()
    self.input = input
    output = try withGradients { try function(input) }
  }

  /// Mᵀ·y, recorded if `createGraph` is true.
  func transpose(_ y: Tensor, createGraph: Bool = false) throws -> Tensor {
    // A function that does not depend on z is 0 everywhere.
    guard output.requiresGradient else { return Tensor.zeros(like: input) }
    return try gradients(of: output, withRespectTo: [input], seed: y, createGraph: createGraph, retainGraph: true)[0]
  }

  /// One product Mᵀ·y, recorded if it will be differentiated in the parameters or y.
  static func transpose(
    _ y: Tensor, length: Int, _ parameters: [Tensor], _ function: (Tensor) throws -> Tensor
  ) throws -> Tensor {
    try Transposition(length: length, like: y, function)
      .transpose(y, createGraph: isDifferentiated(y, parameters))
  }
}

/// Whether a product with a vector will itself be differentiated.
func isDifferentiated(_ vector: Tensor, _ parameters: [Tensor]) -> Bool {
  gradientsAreRecorded && (vector.requiresGradient || parameters.contains(where: \.requiresGradient))
}

/// Checks that a stored matrix and a vector have the same element type and device.
func checkOperand(_ vector: Tensor, ofMatrix elements: Tensor) throws {
  guard vector.dtype == elements.dtype, vector.device == elements.device else {
    throw LeastSquaresError(
      "the matrix is \(elements.dtype) on \(elements.device), but the vector is \(vector.dtype) on \(vector.device); "
        + "convert one of them")
  }
}
