internal import Files
public import LeastSquares
public import Torch

/// A·θ = b with a linear operator A on the elements of all parameters in one vector.
public struct AffineConstraint: Constraint {
  private let jacobian: any LinearOperator
  private let target: Tensor

  /// Makes a constraint.
  ///
  /// - Parameters:
  ///   - jacobian: A, with one column for each element of the parameters.
  ///   - target: b, a vector `[A.rows]`.
  /// - Precondition: b has the shape `[A.rows]`.
  public init(_ jacobian: any LinearOperator, equals target: Tensor) {
    demand(
      target.shape == [jacobian.rows],
      "a target of shape \(target.shape) does not belong to an operator of \(jacobian.rows) rows")
    self.jacobian = jacobian
    self.target = target
  }

  /// Makes a constraint from a matrix `[rows, parameters]`.
  public init(_ matrix: Tensor, equals target: Tensor) { self.init(MatrixOperator(matrix), equals: target) }

  /// A·θ − b.
  ///
  /// - Throws: `ConstraintError` if A does not have one column for each element of the parameters, or has another element type.
  public func residual(at parameters: [Tensor]) throws -> Tensor {
    let vector = parameters.asVector
    guard jacobian.columns == vector.elementCount else {
      throw ConstraintError(
        "the affine constraint is on \(jacobian.columns) numbers, and the parameters have \(vector.elementCount)")
    }
    guard target.dtype == vector.dtype, target.device == vector.device else {
      throw ConstraintError(
        "the affine constraint is in \(target.dtype) on \(target.device), and the parameters are in \(vector.dtype) on "
          + "\(vector.device); convert one of them")
    }
    let product = try jacobian.apply(vector)
    guard product.shape == target.shape, product.dtype == target.dtype else {
      throw ConstraintError(
        "the affine constraint's operator returned \(product.dtype)\(product.shape), not \(target.dtype)\(target.shape)"
      )
    }
    return product - target
  }

  /// The residual, not recorded, and A itself.
  public func linearization(at parameters: [Tensor]) throws -> ConstraintLinearization {
    ConstraintLinearization(
      residual: try withoutGradients { try residual(at: parameters) }, jacobian: jacobian)
  }
}

extension [Tensor] {
  /// All elements in one vector; no copy is made of a single vector.
  public var asVector: Tensor { count == 1 && self[0].rank == 1 ? self[0] : .flatten(self) }

  /// A vector of all elements, cut into tensors of these shapes.
  func parts(of vector: Tensor) -> [Tensor] {
    count == 1 && self[0].rank == 1 ? [vector] : vector.unflattened(like: self)
  }
}
