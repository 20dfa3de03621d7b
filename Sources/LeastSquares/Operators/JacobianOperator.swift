public import Torch

/// The Jacobian J = ∂f/∂p of a function of tensors at a point, as an operator on the point's elements in one vector.
///
/// The function is recorded once and every product re-uses that record: Jᵀ·y is a backward pass through it, J·x a backward
/// pass through the backward pass, because x ↦ J·x is the transpose of y ↦ Jᵀ·y. Forward-mode differentiation is not used:
/// libtorch's has gaps where score models need it.
///
/// The operator's parameters are the point and the function's own, so gradients of a solve reach both; the function is then
/// differentiated once more, and must be differentiable as often.
public final class JacobianOperator: LinearOperator {
  /// A function of the point and of further parameters.
  public typealias Function = (_ point: [Tensor], _ parameters: [Tensor]) throws -> Tensor

  /// The number of elements of f(p).
  public let rows: Int
  /// The number of elements of p.
  public let columns: Int
  /// The point, then the function's own parameters.
  public let parameters: [Tensor]
  /// f(p), of the function's shape and not recorded.
  public let value: Tensor

  private let function: Function
  private let pointCount: Int
  private var record: JacobianRecord

  /// Records a function at a point.
  ///
  /// - Parameters:
  ///   - point: p, where the Jacobian is taken.
  ///   - parameters: what else the function depends on and gradients may be wanted for.
  ///   - function: f.
  /// - Throws: what the function throws.
  public init(at point: [Tensor], parameters: [Tensor] = [], _ function: @escaping Function) throws {
    self.function = function
    self.parameters = point + parameters
    pointCount = point.count
    record = try JacobianRecord(function, point.map { $0.detached().variable() }, parameters.map { $0.detached() })
    value = record.output.detached()
    rows = value.elementCount
    columns = point.reduce(0) { $0 + $1.elementCount }
  }

  /// Records a function of one tensor.
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

  /// ⟨Jᵀ·y, x⟩: one order of differentiation less than ⟨y, J·x⟩.
  public func pairing(_ y: Tensor, _ x: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    try applyAdjoint(y, parameters).dot(x)
  }

  /// A record whose products can be differentiated with respect to the parameters.
  private func record(on parameters: [Tensor]) throws -> JacobianRecord {
    // The function may know the point's tensors as its parameters too, or twice: each becomes a tensor of its own, still
    // attached to what it came from, so that the Jacobian is taken in the point alone.
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

  /// y ↦ Jᵀ·y, recorded at y = 0; it is linear, so the place does not matter.
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
