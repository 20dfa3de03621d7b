import ScoreKit

/// A damped least-squares problem whose solution is differentiated, in double precision.
///
/// Conditioned so that LSMR needs more than 50 iterations for full precision and gets eight digits or so in 50.
struct DifferentiableProblem {
  /// What gradients are taken for: the operator's parameters, then b.
  let variables: [Tensor]
  let damping: Double
  /// The operator, of variables.
  let makeOperator: (_ parameters: [Tensor]) throws -> any LinearOperator

  /// What seeds the gradients.
  let cotangent: Tensor

  static let names = ["dense-1000x500", "dense-200x100", "convolution", "jacobian"]

  init(_ name: String) throws {
    var generator = RandomGenerator(seed: 0, purpose: .data)
    switch name {
    case "dense-200x100": self.init(dense: 200, 100, &generator)
    case "convolution": self.init(convolutionOf: 64, &generator)
    case "jacobian": try self.init(jacobianOn: 256, &generator)
    default: self.init(dense: 1000, 500, &generator)
    }
  }

  /// A matrix of independent numbers, which is the parameter.
  private init(dense rows: Int, _ columns: Int, _ generator: inout RandomGenerator) {
    let matrix = generator.normal([rows, columns], dtype: .float64) / Double(rows).squareRoot()
    self.init([matrix], rows: rows, columns: columns, damping: 0.25, &generator) { MatrixOperator($0[0]) }
  }

  /// Four filters of 5 × 5 on a grey picture; the filters are the parameter.
  private init(convolutionOf side: Int, _ generator: inout RandomGenerator) {
    let (filters, pixels) = (4, side * side)
    let kernel = generator.normal([filters, 1, 5, 5], dtype: .float64) / 10
    self.init([kernel], rows: filters * pixels, columns: pixels, damping: 0.25, &generator) { parameters in
      FunctionOperator(
        rows: filters * pixels, columns: pixels, parameters: parameters, productCost: Double(25 * filters * pixels),
        adjoint: { y, theta in
          y.reshaped(1, filters, side, side).convTransposed2d(weight: theta[0], bias: nil, padding: 2).flattened()
        },
        { x, theta in x.reshaped(1, 1, side, side).conv2d(weight: theta[0], bias: nil, padding: 2).flattened() })
    }
  }

  /// The Jacobian of a network with two hidden layers of 32 in its weights, at points of the plane; the weights are the
  /// parameters.
  private init(jacobianOn points: Int, _ generator: inout RandomGenerator) throws {
    let widths = [2, 32, 32, 1]
    let inputs = generator.normal([points, 2], dtype: .float64)
    var weights: [Tensor] = []
    for (from, to) in zip(widths, widths.dropFirst()) {
      weights.append(generator.normal([to, from], dtype: .float64) / Double(from).squareRoot())
      weights.append(generator.normal([to], dtype: .float64) * 0.1)
    }
    let columns = weights.reduce(0) { $0 + $1.elementCount }
    self.init(weights, rows: points, columns: columns, damping: 0.5, &generator) { parameters in
      try JacobianOperator(at: parameters) { point, _ in
        let first = inputs.linear(weight: point[0], bias: point[1]).tanh()
        let second = first.linear(weight: point[2], bias: point[3]).tanh()
        return second.linear(weight: point[4], bias: point[5]).flattened()
      }
    }
  }

  private init(
    _ parameters: [Tensor], rows: Int, columns: Int, damping: Double, _ generator: inout RandomGenerator,
    _ makeOperator: @escaping (_ parameters: [Tensor]) throws -> any LinearOperator
  ) {
    variables = (parameters + [generator.normal([rows], dtype: .float64)]).map { $0.variable() }
    cotangent = generator.normal([columns], dtype: .float64)
    self.damping = damping
    self.makeOperator = makeOperator
  }

  /// The solution by `leastSquares`, in exactly so many iterations.
  func solve(iterations: Int) throws -> Tensor {
    let solver = LSMR(atol: 0, btol: 0, conditionLimit: 0, iterationLimit: iterations)
    let solution = try leastSquares(
      try makeOperator(variables.dropLast()), variables[variables.count - 1], damping: damping, solver: solver,
      acceptsEarlyStop: true)
    guard solution.iterations == iterations else {
      throw Peer.Failure(description: "LSMR stopped after \(solution.iterations) iterations, not \(iterations)")
    }
    return solution.x
  }

  /// The solution by recorded iterations.
  func unroll(iterations: Int) throws -> Tensor {
    try UnrolledLSMR(iterations: iterations).solve(
      try makeOperator(variables.dropLast()), variables[variables.count - 1], damping: damping)
  }

  /// The gradients of ⟨cotangent, x⟩ in all variables; the record stays.
  func gradients(of x: Tensor) throws -> [Tensor] {
    try Torch.gradients(of: x, withRespectTo: variables, seed: cotangent, retainGraph: true)
  }

  /// Checks that both ways lead to the same gradients.
  ///
  /// - Throws: `Peer.Failure` if they differ by more than iterations that have not fully converged explain.
  func check(_ x: Tensor, _ unrolled: Tensor) throws {
    for (index, (mine, other)) in zip(try gradients(of: x), try gradients(of: unrolled)).enumerated() {
      let (difference, norm) = ((mine - other).norm(), other.norm())
      guard difference <= 1e-5 * norm else {
        throw Peer.Failure(
          description: "the gradients in variable \(index), of norm \(norm), differ by \(difference): they are not the same")
      }
    }
  }
}
