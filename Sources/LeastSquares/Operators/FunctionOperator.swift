internal import Files
public import Torch

/// An operator whose product is a closure.
///
/// ```swift
/// let differences = FunctionOperator(rows: n - 1, columns: n) { x, _ in x[1..<n] - x[0..<(n - 1)] }
/// ```
///
/// Without a closure for the adjoint, adjoint products come from automatic transposition. The function must then consist of recorded
/// operations. It is recorded once for each θ, so that later changes of other captured values have no effect.
public struct FunctionOperator: LinearOperator {
  /// A function of a vector and θ that returns a vector.
  public typealias Product = (_ vector: Tensor, _ parameters: [Tensor]) throws -> Tensor

  /// The length of A·x.
  public let rows: Int
  /// The length of x.
  public let columns: Int
  /// θ, as given.
  public let parameters: [Tensor]
  /// The approximate number of multiplications in a product.
  public let productCost: Double
  private let product: Product
  private let adjoint: Product?
  private let record = RecordedAdjoint()

  /// Makes an operator of a function and, if it is known, of its adjoint.
  ///
  /// - Parameters:
  ///   - rows: the length of A·x.
  ///   - columns: the length of x.
  ///   - parameters: θ, which both closures get as their second argument.
  ///   - productCost: the approximate number of multiplications in a product; rows·columns by default.
  ///   - adjoint: Aᵀ·y; `nil` for automatic transposition.
  ///   - product: A·x.
  /// - Precondition: rows and columns are at least 0.
  public init(
    rows: Int, columns: Int, parameters: [Tensor] = [], productCost: Double? = nil, adjoint: Product? = nil,
    _ product: @escaping Product
  ) {
    demand(rows >= 0 && columns >= 0, "an operator of \(rows) rows and \(columns) columns does not exist")
    self.rows = rows
    self.columns = columns
    self.parameters = parameters
    self.productCost = productCost ?? Double(rows) * Double(columns)
    self.product = product
    self.adjoint = adjoint
  }

  /// A·x.
  public func apply(_ x: Tensor, _ parameters: [Tensor]) throws -> Tensor { try product(x, parameters) }

  /// Aᵀ·y.
  public func applyAdjoint(_ y: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    if let adjoint { return try adjoint(y, parameters) }
    return try record.transpose(y, length: columns, parameters, product)
  }
}

/// The record of a function, kept between products with its transpose for as long as θ stays the same.
final class RecordedAdjoint {
  private var record: (parameters: [Tensor], dtype: DType, device: Device, transposition: Transposition)?

  /// Aᵀ·y, from the kept record unless the product itself will be differentiated.
  func transpose(
    _ y: Tensor, length: Int, _ parameters: [Tensor], _ function: FunctionOperator.Product
  ) throws -> Tensor {
    if isDifferentiated(y, parameters) {
      return try Transposition.transpose(y, length: length, parameters) { try function($0, parameters) }
    }
    if let record, record.dtype == y.dtype, record.device == y.device, areSame(record.parameters, parameters) {
      return try record.transposition.transpose(y)
    }
    let values = parameters.map { $0.detached() }
    let transposition = try Transposition(length: length, like: y) { try function($0, values) }
    record = (parameters, y.dtype, y.device, transposition)
    return try transposition.transpose(y)
  }
}

/// Whether two lists hold the same tensors, not merely equal ones.
func areSame(_ first: [Tensor], _ second: [Tensor]) -> Bool {
  first.count == second.count && zip(first, second).allSatisfy { $0.isSame(as: $1) }
}
