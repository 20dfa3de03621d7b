import ScoreKit

/// A damped least-squares problem whose solution is differentiated, in double precision.
///
/// Conditioned so that LSMR needs more than 50 iterations for full precision and gets eight digits or so in 50.
struct DifferentiableProblem {
  /// The operator, whose parameters are variables.
  let a: any LinearOperator
  /// The right-hand side, a variable.
  let b: Tensor
  let damping: Double
  /// What seeds the gradients.
  let cotangent: Tensor

  static let names = ["dense-1000x500", "dense-200x100", "sparse", "convolution", "jacobian"]

  init(_ name: String) throws {
    var generator = RandomGenerator(seed: 0, purpose: .data)
    switch name {
    case "dense-200x100": a = Self.dense(200, 100, &generator)
    case "sparse": a = try Self.sparse(8000, 4000, &generator)
    case "convolution": a = Self.convolution(side: 64, &generator)
    case "jacobian": a = try Self.jacobian(points: 256, &generator)
    default: a = Self.dense(1000, 500, &generator)
    }
    b = generator.normal([a.rows], dtype: .float64).variable()
    cotangent = generator.normal([a.columns], dtype: .float64)
    damping = name == "jacobian" ? 0.5 : 0.25
  }

  /// A matrix of independent numbers, which is the parameter.
  private static func dense(_ rows: Int, _ columns: Int, _ generator: inout RandomGenerator) -> any LinearOperator {
    MatrixOperator((generator.normal([rows, columns], dtype: .float64) / Double(rows).squareRoot()).variable())
  }

  /// Ten numbers at random places of each row; the numbers are the parameter.
  private static func sparse(
    _ rows: Int, _ columns: Int, _ generator: inout RandomGenerator
  ) throws -> any LinearOperator {
    let values = generator.normal([rows * 10], dtype: .float64) / 20.0.squareRoot()
    return try SparseOperator(
      rowOffsets: (0...rows).map { $0 * 10 }, columnIndices: generator.integers(below: columns, [rows * 10]).elements(),
      values: values.variable(), columns: columns)
  }

  /// Four filters of 5 × 5 on a grey picture; the filters are the parameter.
  private static func convolution(side: Int, _ generator: inout RandomGenerator) -> any LinearOperator {
    let (filters, pixels) = (4, side * side)
    let kernel = (generator.normal([filters, 1, 5, 5], dtype: .float64) / 10).variable()
    return FunctionOperator(
      rows: filters * pixels, columns: pixels, parameters: [kernel], productCost: Double(25 * filters * pixels),
      adjoint: { y, theta in
        y.reshaped(1, filters, side, side).convTransposed2d(weight: theta[0], bias: nil, padding: 2).flattened()
      },
      { x, theta in x.reshaped(1, 1, side, side).conv2d(weight: theta[0], bias: nil, padding: 2).flattened() })
  }

  /// The Jacobian of a network with two hidden layers of 32 in its weights, at points of the plane; the weights are the
  /// parameters.
  private static func jacobian(points: Int, _ generator: inout RandomGenerator) throws -> any LinearOperator {
    let widths = [2, 32, 32, 1]
    let inputs = generator.normal([points, 2], dtype: .float64)
    var weights: [Tensor] = []
    for (from, to) in zip(widths, widths.dropFirst()) {
      weights.append((generator.normal([to, from], dtype: .float64) / Double(from).squareRoot()).variable())
      weights.append((generator.normal([to], dtype: .float64) * 0.1).variable())
    }
    return try JacobianOperator(at: weights) { point, _ in
      let first = inputs.linear(weight: point[0], bias: point[1]).tanh()
      let second = first.linear(weight: point[2], bias: point[3]).tanh()
      return second.linear(weight: point[4], bias: point[5]).flattened()
    }
  }

  /// The solution by `leastSquares`, in so many iterations unless fewer give full precision.
  func solve(iterations: Int) throws -> LeastSquaresSolution {
    let solver = LSMR(atol: 0, btol: 0, conditionLimit: 0, iterationLimit: iterations)
    return try leastSquares(a, b, damping: damping, solver: solver, acceptsEarlyStop: true)
  }

  /// The solution by recorded iterations.
  func unroll(iterations: Int) throws -> Tensor {
    try UnrolledLSMR(iterations: iterations).solve(a, b, damping: damping)
  }

  /// The gradients of ⟨cotangent, x⟩ in the operator's parameters and b; the record stays.
  func gradients(of x: Tensor) throws -> [Tensor] {
    try Torch.gradients(of: x, withRespectTo: a.parameters + [b], seed: cotangent, retainGraph: true)
  }

  /// Checks that both ways take the same iterations to the same gradients.
  ///
  /// - Throws: `Peer.Failure` if the gradients differ by more than iterations that have not fully converged explain.
  func check(_ solution: LeastSquaresSolution, _ unrolled: Tensor, iterations: Int) throws {
    guard solution.iterations == iterations else {
      throw Peer.Failure(description: "LSMR stopped after \(solution.iterations) iterations, not \(iterations)")
    }
    let pairs = zip(try gradients(of: solution.x), try gradients(of: unrolled))
    for (index, (mine, other)) in pairs.enumerated() {
      let (difference, norm) = ((mine - other).norm(), other.norm())
      guard difference <= 1e-5 * norm else {
        throw Peer.Failure(
          description: "the gradients in variable \(index), of norm \(norm), differ by \(difference)")
      }
    }
  }
}
