public import Torch

/// A linear map x ↦ A(θ)·x from vectors of length `columns` to vectors of length `rows`, known by its products.
///
/// A conforming type writes `apply`, in recorded operations, and may write the rest. A missing adjoint product is derived from
/// `apply` by automatic transposition. An operator of which the adjoint is the natural product is
/// `TransposedOperator(of: …)` of one.
///
/// Both products must be linear in the vector and differentiable with respect to θ, in the vector and in each other's sense
/// transposes: ⟨A·x, y⟩ = ⟨x, Aᵀ·y⟩. Solvers rely on that and cannot check it; `adjointMismatch(like:)` does.
public protocol LinearOperator {
  /// The length of A·x.
  var rows: Int { get }

  /// The length of x.
  var columns: Int { get }

  /// θ: the tensors that the products depend on and that gradients may be wanted for; none by default.
  ///
  /// They must be the same tensors each time, from a solve to the end of its backward pass: an operator is of one θ.
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

  /// A(θ) as a matrix `[rows, columns]`, whose element type and device are those of a vector.
  ///
  /// By default it takes min(rows, columns) products. Nothing is recorded.
  func matrix(like vector: Tensor, _ parameters: [Tensor]) throws -> Tensor

  /// About how many multiplications a product takes: what `AutomaticSolver` decides by. rows·columns by default.
  var productCost: Double { get }
}

extension LinearOperator {
  /// None.
  public var parameters: [Tensor] { [] }

  /// The adjoint product by automatic transposition: Aᵀ·y = ∂⟨y, A·z⟩/∂z.
  ///
  /// - Complexity: an evaluation of `apply` and a backward pass. `FunctionOperator` keeps the record, so that each product after
  ///   the first is a backward pass alone.
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

  /// A·x.
  public func apply(_ x: Tensor) throws -> Tensor { try apply(x, parameters) }

  /// Aᵀ·y.
  public func applyAdjoint(_ y: Tensor) throws -> Tensor { try applyAdjoint(y, parameters) }

  /// How far the products are from being each other's adjoint: |⟨A·x, y⟩ − ⟨x, Aᵀ·y⟩| over ‖A·x‖·‖y‖ + ‖x‖·‖Aᵀ·y‖ for
  /// random x and y.
  ///
  /// A few units of rounding for a correct operator; of order 1 for a wrong one.
  ///
  /// - Parameter vector: a tensor whose element type and device x and y get.
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
