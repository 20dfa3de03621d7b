public import Torch

/// Golub & Kahan's bidiagonalisation A·V = U·B with the right vectors kept orthogonal to working precision.
///
/// LSMR needs no orthogonal basis, but singular values do. Orthogonalising V alone keeps U orthogonal to the degree that B is well
/// conditioned (H. D. Simon & H. Zha 2000, *Low-rank matrix approximation using the Lanczos bidiagonalization process with
/// applications*). Memory grows by one vector of `columns` with each step.
struct GolubKahan {
  private let a: any LinearOperator
  private let parameters: [Tensor]
  private var u: Tensor
  private var v: Tensor
  private var basis: [Tensor]
  /// β₁, the norm of the starting vector.
  let start: Double
  /// The diagonal of B.
  private(set) var alphas: [Double] = []
  /// The entries of B below the diagonal.
  private(set) var betas: [Double] = []
  private var alpha: Double
  /// Whether the Krylov space is complete: B then has all singular values that the starting vector excites.
  private(set) var isExhausted: Bool

  /// Starts from a left vector.
  init(_ a: any LinearOperator, from b: Tensor) throws {
    self.a = a
    parameters = a.parameters
    start = try checkedNorm(b)
    u = start > 0 ? b / start : b
    v = try checkedProduct(a.applyAdjoint(u, parameters), [a.columns], like: b)
    alpha = v.norm()
    isExhausted = start == 0 || alpha == 0
    if !isExhausted { v = v / alpha }
    basis = [v]
    guard alpha.isFinite else { throw LeastSquaresError("Aᵀ·b has elements that are not finite") }
  }

  /// The norm of B so far.
  var norm: Double { hypotenuse(alphas.reduce(0, hypotenuse), betas.reduce(0, hypotenuse)) }

  /// Appends a column to B.
  mutating func step() throws {
    guard !isExhausted else { return }
    alphas.append(alpha)
    let image = try checkedProduct(a.apply(v, parameters), [a.rows], like: u)
    let beta = u.combine(1, image, -alpha)
    guard beta.isFinite else { throw LeastSquaresError("A·v has elements that are not finite") }
    betas.append(beta)
    // A smaller rest is rounding error, and would start a space of its own.
    let noise = 10 * u.dtype.ulpOfOne * norm
    guard beta > noise else {
      isExhausted = true
      return
    }
    u = u / beta
    alpha = v.combine(1, try checkedProduct(a.applyAdjoint(u, parameters), [a.columns], like: u), -beta)
    // Twice is enough (Kahan & Parlett).
    for _ in 0..<2 {
      for previous in basis { alpha = v.combine(-v.matmul(previous).item(), previous, 1) }
    }
    guard alpha.isFinite else { throw LeastSquaresError("Aᵀ·u has elements that are not finite") }
    guard alpha > noise else {
      isExhausted = true
      return
    }
    v = v / alpha
    basis.append(v)
  }
}

extension Spectrum {
  /// Estimates the singular values of an operator by products, from a random starting vector.
  ///
  /// The largest and the best separated singular values are found first. If the Krylov space is complete before the limit, every
  /// distinct singular value that is not 0 has been found.
  ///
  /// - Parameters:
  ///   - a: the operator A.
  ///   - vector: a tensor with the element type and the device to compute in.
  ///   - stepLimit: the largest number of steps, each of one product with A and one with Aᵀ.
  ///   - seed: the seed of the starting vector.
  /// - Throws: `LeastSquaresError` for products that are not finite, and the errors of the operator.
  /// - Complexity: memory for `stepLimit` vectors of `a.columns`.
  public static func estimate(
    of a: any LinearOperator, like vector: Tensor, stepLimit: Int = 100, seed: UInt64 = 0
  ) throws -> Spectrum {
    guard vector.dtype == .float32 || vector.dtype == .float64 else {
      throw LeastSquaresError("a spectrum is estimated in float32 or float64, not \(vector.dtype)")
    }
    guard stepLimit > 0 else {
      throw LeastSquaresError("estimating a spectrum takes at least one step, not \(stepLimit)")
    }
    var generator = RandomGenerator(seed: seed, purpose: .probes)
    let start = generator.normal([a.rows], dtype: vector.dtype).to(vector.device)
    return try withoutGradients {
      var process = try GolubKahan(a, from: start)
      while !process.isExhausted, process.alphas.count < min(stepLimit, min(a.rows, a.columns)) { try process.step() }
      return Spectrum(.bidiagonal(alphas: process.alphas, betas: process.betas), of: a, in: vector.dtype)
    }
  }
}
