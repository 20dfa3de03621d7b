internal import Files
internal import Foundation
internal import Torch

/// Finds the parameters of a module with their names.
struct ParameterWalk {
  private(set) var found: [NamedParameter] = []
  private var seen: Set<ObjectIdentifier> = []
  /// Parameters that have no lasting name, with the property that holds them.
  private var unnamed: [(parameter: Parameter, holder: String)] = []
  /// Where the walk is inside a value whose contents have no lasting names.
  private var holder: String?
  private var visitedObjects: Set<ObjectIdentifier> = []

  mutating func visit(_ value: Any, path: String) {
    if value is any Plain { return }
    if let parameter = value as? Parameter { return add(parameter, path: path) }
    // The cast unwraps optionals, so the mirror shows the module inside.
    if let module = value as? any Module {
      let names = type(of: module).parameterNames
      return visitProperties(Mirror(reflecting: module), path: path) { names[$0] ?? $0 }
    }
    let mirror = Mirror(reflecting: value)
    switch mirror.displayStyle {
    case .optional:
      if let child = mirror.children.first { visit(child.value, path: path) }
    case .collection, .tuple:
      for (index, child) in mirror.children.enumerated() { visit(child.value, path: join(path, "\(index)")) }
    case .struct, .enum:
      visitProperties(mirror, path: path) { $0 }
    case .dictionary:
      visitEntries(of: value, mirror, path: path)
    case .set:
      visitUnnamed(mirror.children.map(\.value), path: path, "a \(mirror.subjectType)")
    case .class:
      guard visitedObjects.insert(ObjectIdentifier(value as AnyObject)).inserted else { return }
      visitUnnamed(mirror, path: path, "a \(mirror.subjectType), which is a class and no Module")
    default: break
    }
  }

  /// Ends the process if parameters were met that training would not find, or two that have one name.
  func refuseUnnamed(in type: Any.Type) {
    var names: Set<String> = []
    for entry in found {
      demand(
        names.insert(entry.name).inserted,
        "\(type) has two parameters of the name \(entry.name), by which checkpoints could not tell them apart; see "
          + "parameterNames")
    }
    guard let first = unnamed.first(where: { !seen.contains(ObjectIdentifier($0.parameter)) }) else { return }
    endProgram(
      "\(type) holds parameters in \(first.holder), where they have no lasting names and would not be trained: hold them in "
        + "properties, arrays or dictionaries with strings as keys, of types that are structs or conform to Module")
  }

  private mutating func add(_ parameter: Parameter, path: String) {
    if let holder {
      unnamed.append((parameter, holder))
    } else if seen.insert(ObjectIdentifier(parameter)).inserted {
      found.append(NamedParameter(name: path, parameter: parameter))
    }
  }

  /// The properties of a superclass come first.
  private mutating func visitProperties(_ mirror: Mirror, path: String, _ name: (String) -> String) {
    if let superclass = mirror.superclassMirror { visitProperties(superclass, path: path, name) }
    for (label, child) in mirror.children {
      guard let label else { continue }
      visit(child, path: join(path, name(label)))
    }
  }

  private mutating func visitEntries(of dictionary: Any, _ mirror: Mirror, path: String) {
    if let entries = dictionary as? [String: Any] {
      for key in entries.keys.sorted() { visit(entries[key] as Any, path: join(path, key)) }
    } else if let entries = dictionary as? [Int: Any] {
      for key in entries.keys.sorted() { visit(entries[key] as Any, path: join(path, "\(key)")) }
    } else {
      visitUnnamed(mirror.children.map(\.value), path: path, "a \(mirror.subjectType)")
    }
  }

  private mutating func visitUnnamed(_ values: [Any], path: String, _ what: String) {
    let outer = holder
    holder = outer ?? "its property \(path), \(what)"
    for value in values { visit(value, path: path) }
    holder = outer
  }

  private mutating func visitUnnamed(_ mirror: Mirror, path: String, _ what: String) {
    if let superclass = mirror.superclassMirror { visitUnnamed(superclass, path: path, what) }
    visitUnnamed(mirror.children.map(\.value), path: path, what)
  }

  /// An empty name adds no level to the path: a wrapper uses it to keep the names of its base.
  private func join(_ path: String, _ name: String) -> String {
    path.isEmpty ? name : name.isEmpty ? path : "\(path).\(name)"
  }
}

/// Values that hold no parameters and may be long: the walk does not look at their elements.
private protocol Plain {}

extension Bool: Plain {}
extension Int: Plain {}
extension Int32: Plain {}
extension Int64: Plain {}
extension UInt8: Plain {}
extension UInt64: Plain {}
extension Float: Plain {}
extension Double: Plain {}
extension String: Plain {}
extension Data: Plain {}
extension URL: Plain {}
extension Tensor: Plain {}
extension RandomGenerator: Plain {}
extension ClosedRange: Plain where Bound: Plain {}
extension Range: Plain where Bound: Plain {}
extension Array: Plain where Element: Plain {}
extension ArraySlice: Plain where Element: Plain {}
extension Set: Plain where Element: Plain {}
extension Dictionary: Plain where Value: Plain {}
extension Optional: Plain where Wrapped: Plain {}
