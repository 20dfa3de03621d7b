public import LeastSquares
public import Testing
public import Torch

/// Expects a linear operator to keep the laws of operators.
///
/// - Both products are linear, of the vector's element type, and each other's adjoint: ⟨A·x, y⟩ = ⟨x, Aᵀ·y⟩.
/// - The operator that is transposed twice has the products of A.
/// - `matrix(like:_:)` consists of the products with unit vectors, and `pairing(_:_:_:)` is ⟨y, A·x⟩.
/// - Products leave no tensors behind.
/// - In `float64`: products and pairing can be differentiated twice in the vector and in the parameters θ, and solutions of LSMR and
///   `DenseSolver` have the gradients of the matrix.
///
/// - Parameters:
///   - a: the operator. Gradients of solutions are tried in those parameters that are variables.
///   - dtype: the element type of vectors.
///   - sourceLocation: where failures are reported; by default at the call.
/// - Throws: the operator's errors.
/// - Complexity: about 10·(rows + columns + elements of θ) products: take a small operator.
public func expectOperatorLaws(
  of a: any LinearOperator, dtype: DType = .float64, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  var laws = OperatorLaws(a: a, dtype: dtype, location: sourceLocation)
  guard try laws.productsHaveTheShapesOfTheOperator() else { return }
  try laws.productsAreLinear()
  // Without an adjoint, solvers do not converge.
  guard try laws.adjointMatchesProduct() else { return }
  try laws.matrixConsistsOfProductsWithUnitVectors()
  try laws.pairingIsTheProductOfBothVectors()
  try laws.productsLeaveNothingBehind()
  if dtype == .float64 {
    laws.derivativesMatchDifferences()
    try laws.solvesHaveTheGradientsOfTheMatrix()
  }
}

private struct OperatorLaws {
  let a: any LinearOperator
  let dtype: DType
  let location: SourceLocation
  var generator = RandomGenerator(seed: 11, purpose: .probes)

  init(a: any LinearOperator, dtype: DType, location: SourceLocation) {
    self.a = a
    self.dtype = dtype
    self.location = location
  }

  private func law(_ sentence: String) -> Law { Law(sentence, of: a, at: location) }

  private func apply(_ x: Tensor) throws -> Tensor { try a.apply(x).detached() }
  private func applyAdjoint(_ y: Tensor) throws -> Tensor { try a.applyAdjoint(y).detached() }

  private mutating func vector(_ length: Int) -> Tensor { generator.normal([length], dtype: dtype) }

  mutating func productsHaveTheShapesOfTheOperator() throws -> Bool {
    let law = law("products have the shapes of the operator")
    let (image, adjoint) = (try apply(vector(a.columns)), try applyAdjoint(vector(a.rows)))
    return law.requires(image.shape == [a.rows], "A·x has the shape \(image.shape) and A has \(a.rows) rows")
      && law.requires(
        adjoint.shape == [a.columns], "Aᵀ·y has the shape \(adjoint.shape) and A has \(a.columns) columns")
      && law.requires(
        image.dtype == dtype && adjoint.dtype == dtype, "products are \(image.dtype) and \(adjoint.dtype), not \(dtype)"
      )
  }

  mutating func productsAreLinear() throws {
    let tolerance = 1000 * dtype.ulpOfOne
    for (name, product, length) in [("A·x", apply, a.columns), ("Aᵀ·y", applyAdjoint, a.rows)] {
      let law = law("\(name) is linear")
      let (v, w) = (vector(length), vector(length))
      let (image, other) = (try product(v), try product(w))
      law.expectClose(
        try product(v * 3 - w * 0.5), image * 3 - other * 0.5, rtol: tolerance, atol: tolerance, "3·v − ½·w")
      law.expectClose(try product(v * 1e4), image * 1e4, rtol: tolerance, atol: 1e4 * tolerance, "10⁴·v")
      law.expectIdentical(try product(v * 0), Tensor.zeros(like: image), "0·v")
    }
  }

  mutating func adjointMatchesProduct() throws -> Bool {
    let law = law("both products are each other's adjoint")
    law.expectAdjoint(apply, applyAdjoint, from: [a.columns], to: [a.rows], dtype: dtype)
    let mismatch = try a.adjointMismatch(like: Tensor(0, dtype: dtype))
    guard law.requires(mismatch < 100 * dtype.ulpOfOne, "the mismatch is \(mismatch)") else { return false }
    let twice = TransposedOperator(of: TransposedOperator(of: a))
    let (x, y) = (vector(a.columns), vector(a.rows))
    let tolerance = 100 * dtype.ulpOfOne
    law.expectClose(
      try twice.apply(x).detached(), try apply(x), rtol: tolerance, atol: tolerance, "A·x of (Aᵀ)ᵀ")
    law.expectClose(
      try twice.applyAdjoint(y).detached(), try applyAdjoint(y), rtol: tolerance, atol: tolerance, "Aᵀ·y of (Aᵀ)ᵀ")
    return true
  }

  func matrixConsistsOfProductsWithUnitVectors() throws {
    let law = law("the matrix consists of products with unit vectors")
    let matrix = try a.matrix(like: Tensor(0, dtype: dtype), a.parameters)
    guard
      law.requires(
        matrix.shape == [a.rows, a.columns] && matrix.dtype == dtype && !matrix.requiresGradient,
        "it is \(matrix.dtype)\(matrix.shape), or recorded")
    else { return }
    let (left, right) = (Tensor.identity(a.rows, dtype: dtype), Tensor.identity(a.columns, dtype: dtype))
    let tolerance = 100 * dtype.ulpOfOne
    for column in 0..<a.columns {
      law.expectClose(
        try apply(right[column]), matrix[.all, .at(column)], rtol: tolerance, atol: tolerance, "column \(column)")
    }
    for row in 0..<a.rows {
      law.expectClose(try applyAdjoint(left[row]), matrix[row], rtol: tolerance, atol: tolerance, "row \(row)")
    }
  }

  mutating func pairingIsTheProductOfBothVectors() throws {
    let law = law("the pairing is ⟨y, A·x⟩")
    let (x, y) = (vector(a.columns), vector(a.rows))
    let pairing = try a.pairing(y, x, a.parameters).detached()
    guard law.requires(pairing.shape == [], "its shape is \(pairing.shape)") else { return }
    let (expected, tolerance) = (y.dot(try apply(x)), 1000 * dtype.ulpOfOne)
    law.expectClose(pairing, expected, rtol: tolerance, atol: tolerance)
  }

  func productsLeaveNothingBehind() throws {
    let (x, y) = (Tensor.ones([a.columns], dtype: dtype), Tensor.ones([a.rows], dtype: dtype).variable())
    try expectNoLeaks(sourceLocation: location) {
      _ = try withoutGradients { (try a.apply(x), try a.applyAdjoint(y)) }
      let number = try a.pairing(y, x, a.parameters) + a.applyAdjoint(y).square().sum() + a.apply(x).square().sum()
      _ = try gradients(of: number, withRespectTo: [y] + variables, createGraph: true)
    }
  }

  private var variables: [Tensor] { a.parameters.filter(\.requiresGradient) }

  mutating func derivativesMatchDifferences() {
    let (x, y) = (vector(a.columns), vector(a.rows))
    let a = a
    law("derivatives of A·x match differences to second order").expectGradient(
      of: { try a.apply($0[0], Array($0[1...])) }, at: [x] + a.parameters, order: 2)
    law("derivatives of Aᵀ·y match differences to second order").expectGradient(
      of: { try a.applyAdjoint($0[0], Array($0[1...])) }, at: [y] + a.parameters, order: 2)
    law("derivatives of ⟨y, A·x⟩ match differences to second order").expectGradient(
      of: { try a.pairing($0[0], $0[1], Array($0[2...])) }, at: [y, x] + a.parameters, order: 2)
  }

  mutating func solvesHaveTheGradientsOfTheMatrix() throws {
    let law = law("solutions have the gradients of the matrix")
    let identity = Tensor.identity(a.columns, dtype: .float64)
    let matrix = Tensor.stack(try (0..<a.columns).map { try a.apply(identity[$0]) }, along: 1)
    let (b, cotangent) = (vector(a.rows).variable(), vector(a.columns))
    let variables = [b] + variables
    let expected = try leastSquares(MatrixOperator(matrix), b, damping: 0.2, solver: DenseSolver()).x
    let slopes = try gradients(of: expected, withRespectTo: variables, seed: cotangent, retainGraph: true)
    for solver in [LSMR(tolerance: 1e-13), DenseSolver()] as [any LeastSquaresSolver] {
      let name = "\(type(of: solver))"
      let actual = try leastSquares(a, b, damping: 0.2, solver: solver).x
      law.expectClose(actual.detached(), expected.detached(), rtol: 1e-9, atol: 1e-9, "the solution of \(name)")
      for (index, (mine, theirs)) in zip(
        try gradients(of: actual, withRespectTo: variables, seed: cotangent), slopes
      ).enumerated() {
        law.expectClose(mine, theirs, rtol: 1e-8, atol: 1e-8, "gradient \(index) of \(name)")
      }
    }
  }
}
