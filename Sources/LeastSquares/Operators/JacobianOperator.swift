public import Torch

/// The Jacobian J = ∂f/∂p of a function of tensors at a point p, as an operator on the elements of p in one vector.
///
/// The function is recorded once, and every product uses that record. Jᵀ·y is a backward pass through it. J·x is a backward pass
/// through the backward pass, because x ↦ J·x is the transpose of y ↦ Jᵀ·y. Forward-mode differentiation is not used, because in
/// libtorch it lacks operations that score models need.
///
/// The operator's parameters are the point and the function's own parameters, so that gradients of a solve reach both. The function is
/// then differentiated once more, and must be differentiable that often.
public final class JacobianOperator: LinearOperator {
  /// A function of the point and of further parameters.
  public typealias Function = (_ point: [Tensor], _ parameters: [Tensor]) throws -> Tensor

  /// The number of elements of f(p).
  public let rows: Int
  /// The number of elements of p, in all tensors together.
  public let columns: Int
  /// The point p, then the function's own parameters.
  public let parameters: [Tensor]
  /// f(p), in the shape that the function returned, and not recorded.
  public let value: Tensor

  private let function: Function
  private let pointCount: Int
  private var record: JacobianRecord

  /// Records a function at a point.
  ///
  /// - Parameters:
  ///   - point: p, the point of the Jacobian.
  ///   - parameters: further tensors that the function depends on and that gradients may be wanted for.
  ///   - function: f, in recorded operations.
  /// - Throws: the errors of the function.
  public init(at point: [Tensor], parameters: [Tensor] = [], _ function: @escaping Function) throws {
    self.function = function
    self.parameters = point + parameters
    pointCount = point.count
    record = try JacobianRecord(function, point.map { $0.detached().variable() }, parameters.map { $0.detached() })
    value = record.output.detached()
    rows = value.elementCount
    columns = point.reduce(0) { $0 + $1.elementCount }
  }

  /// Records a function of one tensor, without further parameters.
  public convenience init(at point: Tensor, _ function: @escaping (_ point: Tensor) throws -> Tensor) throws {
    try self.init(at: [point]) { point, _ in try function(point[0]) }
  }

  /// J·x.
  public func apply(_ x: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    if isDifferentiated(x, parameters) { return try record(on: parameters).product(x, createGraph: true) }
    return try record(of: parameters).product(x, createGraph: false)
  }

  /// Jᵀ·y.
  public func applyAdjoint(_ y: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    if isDifferentiated(y, parameters) { return try record(on: parameters).adjointProduct(y, createGraph: true) }
    return try record(of: parameters).adjointProduct(y, createGraph: false)
  }

  /// ⟨Jᵀ·y, x⟩, which takes one order of differentiation less than ⟨y, J·x⟩.
  public func pairing(_ y: Tensor, _ x: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    try applyAdjoint(y, parameters).dot(x)
  }

  /// A record whose products can be differentiated with respect to the parameters.
  private func record(on parameters: [Tensor]) throws -> JacobianRecord {
    // The same tensor may be in the point twice, or also be a parameter. Each occurrence becomes a tensor of its own, attached to
    // its origin, so that the Jacobian is taken in the point alone.
    let point = parameters[..<pointCount].map { $0.requiresGradient ? $0.expanded(to: $0.shape) : $0.variable() }
    return try JacobianRecord(function, point, Array(parameters[pointCount...]))
  }

  /// The record for plain products.
  private func record(of parameters: [Tensor]) throws -> JacobianRecord {
    if areSame(parameters, self.parameters) { return record }
    return try JacobianRecord(
      function, parameters[..<pointCount].map { $0.detached().variable() },
      parameters[pointCount...].map { $0.detached() })
  }
}

/// A function recorded at a point, and its gradient recorded as a function of the cotangent.
private final class JacobianRecord {
  let output: Tensor
  private let point: [Tensor]
  private var transposed: (cotangent: Tensor, gradients: [Tensor])?

  init(_ function: JacobianOperator.Function, _ point: [Tensor], _ parameters: [Tensor]) throws {
    self.point = point
    output = try withGradients { try function(point, parameters) }
  }

  func adjointProduct(_ y: Tensor, createGraph: Bool) throws -> Tensor {
    guard output.requiresGradient else { return Tensor.flatten(point.map(Tensor.zeros(like:))) }
    return Tensor.flatten(
      try gradients(
        of: output, withRespectTo: point, seed: y.reshaped(output.shape), createGraph: createGraph, retainGraph: true))
  }

  func product(_ x: Tensor, createGraph: Bool) throws -> Tensor {
    let (cotangent, gradient) = try transposedRecord()
    let parts = zip(gradient, x.unflattened(like: point)).filter { $0.0.requiresGradient }
    // A gradient that does not depend on the cotangent is 0.
    guard !parts.isEmpty else { return Tensor.zeros(like: cotangent).flattened() }
    return try gradients(
      of: parts.map(\.0), withRespectTo: [cotangent], seeds: parts.map(\.1), createGraph: createGraph,
      retainGraph: true)[0].flattened()
  }

  /// y ↦ Jᵀ·y, recorded at y = 0; it is linear, so the point of the record does not matter.
  private func transposedRecord() throws -> (cotangent: Tensor, gradients: [Tensor]) {
    if let transposed { return transposed }
    let cotangent = Tensor.zeros(like: output).variable()
    let gradient =
      output.requiresGradient
      ? try withGradients {
        try gradients(of: output, withRespectTo: point, seed: cotangent, createGraph: true, retainGraph: true)
      } : point.map(Tensor.zeros(like:))
    transposed = (cotangent, gradient)
    return (cotangent, gradient)
  }
}
