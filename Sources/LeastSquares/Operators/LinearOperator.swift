public import Torch

/// A linear map x ↦ A(θ)·x from vectors of length `columns` to vectors of length `rows`, given by its products.
///
/// A conforming type implements `apply` in recorded operations; all other members have defaults. The default adjoint product comes from
/// `apply` by automatic transposition. If Aᵀ·y is the simpler product, implement an operator with that as its `apply`, and use the
/// `TransposedOperator` of it.
///
/// Both products must be linear and adjoint to each other: ⟨A·x, y⟩ = ⟨x, Aᵀ·y⟩. Both must be differentiable in the vector and in θ.
/// Solvers rely on this without a check; `adjointMismatch(like:)` checks it.
public protocol LinearOperator {
  /// The length of A·x.
  var rows: Int { get }

  /// The length of x.
  var columns: Int { get }

  /// θ, the tensors that the products depend on and that gradients may be wanted for; none by default.
  ///
  /// They must stay the same tensors from a solve to the end of its backward pass.
  var parameters: [Tensor] { get }

  /// A(θ)·x.
  ///
  /// - Parameters:
  ///   - x: a vector `[columns]`.
  ///   - parameters: θ, tensors of the shapes of `parameters`.
  /// - Returns: a vector `[rows]` of x's element type and device.
  func apply(_ x: Tensor, _ parameters: [Tensor]) throws -> Tensor

  /// A(θ)ᵀ·y.
  ///
  /// - Parameters:
  ///   - y: a vector `[rows]`.
  ///   - parameters: θ, tensors of the shapes of `parameters`.
  /// - Returns: a vector `[columns]` of y's element type and device.
  func applyAdjoint(_ y: Tensor, _ parameters: [Tensor]) throws -> Tensor

  /// ⟨y, A(θ)·x⟩ as a tensor without dimensions, for the gradient in θ: by default from `apply`.
  func pairing(_ y: Tensor, _ x: Tensor, _ parameters: [Tensor]) throws -> Tensor

  /// A(θ) as a matrix `[rows, columns]`, with the element type and the device of a vector; not recorded.
  ///
  /// - Complexity: by default min(rows, columns) products.
  func matrix(like vector: Tensor, _ parameters: [Tensor]) throws -> Tensor

  /// The approximate number of multiplications in a product, by which `AutomaticSolver` decides; rows·columns by default.
  var productCost: Double { get }
}

extension LinearOperator {
  /// No parameters.
  public var parameters: [Tensor] { [] }

  /// The adjoint product by automatic transposition: Aᵀ·y = ∂⟨y, A·z⟩/∂z.
  ///
  /// - Complexity: one evaluation of `apply` and one backward pass. `FunctionOperator` keeps the record, so that each product after
  ///   the first costs only the backward pass.
  public func applyAdjoint(_ y: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    try Transposition.transpose(y, length: columns, parameters) { try apply($0, parameters) }
  }

  /// ⟨y, A(θ)·x⟩ from `apply`.
  public func pairing(_ y: Tensor, _ x: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    y.dot(try apply(x, parameters))
  }

  /// The matrix from products with unit vectors on the shorter side.
  public func matrix(like vector: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    let (rows, columns) = (rows, columns)
    guard rows > 0, columns > 0 else {
      return Tensor.zeros([rows, columns], dtype: vector.dtype, device: vector.device)
    }
    let isWide = rows < columns
    let identity = Tensor.identity(min(rows, columns), dtype: vector.dtype).to(vector.device)
    return try withoutGradients {
      let products = try (0..<min(rows, columns)).map { index in
        try isWide
          ? checkedProduct(applyAdjoint(identity[index], parameters), [columns], like: vector)
          : checkedProduct(apply(identity[index], parameters), [rows], like: vector)
      }
      return Tensor.stack(products, along: isWide ? 0 : 1)
    }
  }

  /// rows·columns.
  public var productCost: Double { Double(rows) * Double(columns) }

  /// A·x with the operator's own θ.
  public func apply(_ x: Tensor) throws -> Tensor { try apply(x, parameters) }

  /// Aᵀ·y with the operator's own θ.
  public func applyAdjoint(_ y: Tensor) throws -> Tensor { try applyAdjoint(y, parameters) }

  /// The relative error of ⟨A·x, y⟩ = ⟨x, Aᵀ·y⟩ for random x and y: the difference over ‖A·x‖·‖y‖ + ‖x‖·‖Aᵀ·y‖.
  ///
  /// It is a few units of rounding for a correct operator, and about 1 for a wrong one.
  ///
  /// - Parameters:
  ///   - vector: a tensor with the element type and the device of x and y.
  ///   - seed: the seed of x and y.
  /// - Throws: the errors of the operator.
  public func adjointMismatch(like vector: Tensor, seed: UInt64 = 0) throws -> Double {
    var generator = RandomGenerator(seed: seed, purpose: .probes)
    let x = generator.normal([columns], dtype: vector.dtype).to(vector.device)
    let y = generator.normal([rows], dtype: vector.dtype).to(vector.device)
    return try withoutGradients {
      let (image, adjointImage) = (try apply(x), try applyAdjoint(y))
      let difference =
        image.to(.float64).dot(y.to(.float64)).item() - x.to(.float64).dot(adjointImage.to(.float64)).item()
      let scale = image.norm() * y.norm() + x.norm() * adjointImage.norm()
      return scale == 0 ? 0 : difference.magnitude / scale
    }
  }
}
