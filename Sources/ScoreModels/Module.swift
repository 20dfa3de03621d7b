public import Torch

/// A part of a model: something that holds parameters.
///
/// The parameters are found by walking the stored properties, those of a superclass first: `Parameter`s, other modules and
/// structs, and optionals, arrays, tuples, enumerations and dictionaries of them, the latter in the order of their keys, which
/// are strings or integers. A parameter's name is the path to it, such as `blocks.0.weight` or `heads.left.weight`;
/// checkpoints use these names. Parameters where they would have no lasting name end the process with the property's name:
/// inside sets, dictionaries with other keys, and classes that are no modules. What a closure holds is not found.
public protocol Module {
  /// The checkpoint names of stored properties whose name in Swift is another: `["linear1": "linear_1"]`.
  static var parameterNames: [String: String] { get }
}

/// A parameter and the path to it.
public struct NamedParameter {
  /// The path, such as `blocks.0.weight`.
  public let name: String
  /// The parameter.
  public let parameter: Parameter
}

extension Module {
  /// Empty: all properties have the same name in Swift and in checkpoints.
  public static var parameterNames: [String: String] { [:] }

  /// All parameters in the order of declaration; a shared parameter is listed once, under its first name.
  ///
  /// This uses reflection: call it once before a loop and keep the result.
  ///
  /// - Precondition: every parameter has a name of its own.
  public func namedParameters() -> [NamedParameter] {
    var walk = ParameterWalk()
    walk.visit(self, path: "")
    walk.refuseUnnamed(in: type(of: self))
    return walk.found
  }

  /// All parameters in the order of declaration.
  public func parameters() -> [Parameter] { namedParameters().map(\.parameter) }

  /// The number of elements of all parameters.
  public var parameterCount: Int { parameters().reduce(0) { $0 + $1.value.elementCount } }

  /// Moves the parameters to a device.
  public func move(to device: Device) {
    for parameter in parameters() { parameter.value = parameter.value.to(device) }
  }

  /// Converts the parameters to another element type.
  public func convert(to dtype: DType) {
    for parameter in parameters() { parameter.value = parameter.value.to(dtype) }
  }

  /// Runs a closure in which the parameters have other values.
  ///
  /// The values keep their recorded operations, so the result of the closure can be differentiated with respect to
  /// them.
  ///
  /// - Parameter values: a tensor for each parameter in the order of `parameters()`, or one vector of all elements.
  /// - Precondition: the shapes fit.
  public func withParameters<Result>(_ values: [Tensor], _ body: () throws -> Result) rethrows -> Result {
    let parameters = parameters()
    let isVector = values.count == 1 && values[0].rank == 1 && values.map(\.shape) != parameters.map(\.shape)
    return try Parameter.withValues(
      isVector ? values[0].unflattened(like: parameters.map(\.value)) : values, of: parameters, body)
  }

  /// The parameters' values by name.
  public func state() -> [String: Tensor] {
    Dictionary(uniqueKeysWithValues: namedParameters().map { ($0.name, $0.parameter.value.detached()) })
  }

  /// Sets the parameters' values by name; if any value does not fit, nothing changes.
  ///
  /// The parameters keep their element types and devices.
  ///
  /// - Throws: `StateMismatch`, as `check(_:)` does.
  public func load(_ state: [String: Tensor]) throws(StateMismatch) {
    try check(state)
    for entry in namedParameters() {
      guard let value = state[entry.name] else { continue }
      entry.parameter.value = value.to(entry.parameter.value.dtype).to(entry.parameter.value.device)
    }
  }

  /// Checks that a state fits: one value of the right shape for each parameter, no other values, and all numbers finite
  /// in the parameters' element types.
  ///
  /// - Throws: `StateMismatch`.
  public func check(_ state: [String: Tensor]) throws(StateMismatch) {
    let named = namedParameters()
    let missing = named.map(\.name).filter { state[$0] == nil }
    if let name = missing.first { throw StateMismatch.missing(name, count: missing.count) }
    let unknown = Set(state.keys).subtracting(named.map(\.name)).sorted()
    if let name = unknown.first { throw StateMismatch.unknown(name, count: unknown.count) }
    for entry in named {
      if let value = state[entry.name], value.shape != entry.parameter.shape {
        throw StateMismatch.shape(entry.name, expected: entry.parameter.shape, found: value.shape)
      }
    }
    for entry in named {
      if let value = state[entry.name], !value.to(entry.parameter.value.dtype).allFinite {
        throw StateMismatch.notFinite(entry.name)
      }
    }
  }
}

/// Why a model cannot take weights.
public enum StateMismatch: Error, Equatable, CustomStringConvertible {
  /// A parameter of the model has no value.
  case missing(String, count: Int)
  /// A value belongs to no parameter of the model.
  case unknown(String, count: Int)
  /// A value has another shape than the parameter.
  case shape(String, expected: [Int], found: [Int])
  /// A value holds infinite numbers, or NaN.
  case notFinite(String)

  /// The reason in one sentence.
  public var description: String {
    switch self {
    case .missing(let name, let count):
      "the weights lack \(name)\(Self.more(count)): they belong to another model"
    case .unknown(let name, let count):
      "the weights hold \(name)\(Self.more(count)), which the model does not have: they belong to another model"
    case .shape(let name, let expected, let found):
      "\(name) has shape \(found) in the weights, but \(expected) in the model: they belong to another model"
    case .notFinite(let name):
      "\(name) holds numbers that are not finite: the weights are damaged, or those of a training that diverged"
    }
  }

  private static func more(_ count: Int) -> String { count > 1 ? " and \(count - 1) more" : "" }
}
