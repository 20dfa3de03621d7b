public import Torch

/// A part of a model: something that holds parameters.
///
/// The parameters are found by walking the stored properties: `Parameter`s, other modules, and optionals, arrays and
/// tuples of them. A parameter's name is the path to it, such as `blocks.0.weight`; it is what checkpoints use. Values in
/// other wrappers are not walked.
public protocol Module {
  /// The names that stored properties have in checkpoints where these differ from Swift's: `["linear1": "linear_1"]`.
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
  /// No name differs.
  public static var parameterNames: [String: String] { [:] }

  /// All parameters in the order of declaration; one that is shared is listed once, under its first name.
  ///
  /// This uses reflection: a loop calls it once and keeps the result.
  public func namedParameters() -> [NamedParameter] {
    var walk = ParameterWalk()
    walk.visit(self, path: "")
    return walk.found
  }

  /// All parameters in the order of declaration.
  public func parameters() -> [Parameter] { namedParameters().map(\.parameter) }

  /// The number of numbers that training can change.
  public var parameterCount: Int { parameters().reduce(0) { $0 + $1.value.elementCount } }

  /// Moves the parameters to a device.
  public func move(to device: Device) {
    for parameter in parameters() { parameter.value = parameter.value.to(device) }
  }

  /// Converts the parameters to another element type.
  public func convert(to dtype: DType) {
    for parameter in parameters() { parameter.value = parameter.value.to(dtype) }
  }

  /// Runs a closure in which the parameters have other values, with the operations recorded that these came from: what the closure
  /// computes becomes a function of them that can be differentiated.
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

  /// Takes over values by name; nothing changes unless all of them fit.
  ///
  /// Element types and devices stay those of the module.
  ///
  /// - Throws: as `check`.
  public func load(_ state: [String: Tensor]) throws(StateMismatch) {
    try check(state)
    for entry in namedParameters() {
      guard let value = state[entry.name] else { continue }
      entry.parameter.value = value.to(entry.parameter.value.dtype).to(entry.parameter.value.device)
    }
  }

  /// Checks that a state has a value of the right shape for each parameter, and no other, and that all numbers are finite in
  /// the parameters' element types.
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

  /// One sentence.
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

private struct ParameterWalk {
  var found: [NamedParameter] = []
  private var seen: Set<ObjectIdentifier> = []

  mutating func visit(_ value: Any, path: String) {
    if let parameter = value as? Parameter {
      if seen.insert(ObjectIdentifier(parameter)).inserted {
        found.append(NamedParameter(name: path, parameter: parameter))
      }
      return
    }
    // The cast looks through optionals; so does the mirror of its result.
    if let module = value as? any Module {
      let names = type(of: module).parameterNames
      for (label, child) in Mirror(reflecting: module).children {
        guard let label else { continue }
        visit(child, path: join(path, names[label] ?? label))
      }
      return
    }
    let mirror = Mirror(reflecting: value)
    switch mirror.displayStyle {
    case .optional:
      if let child = mirror.children.first { visit(child.value, path: path) }
    case .collection, .tuple:
      for (index, child) in mirror.children.enumerated() { visit(child.value, path: join(path, "\(index)")) }
    default: break
    }
  }

  /// An empty name leaves a level out of the path, as a wrapper may want.
  private func join(_ path: String, _ name: String) -> String {
    path.isEmpty ? name : name.isEmpty ? path : "\(path).\(name)"
  }
}
