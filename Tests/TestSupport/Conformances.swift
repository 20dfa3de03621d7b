public import Foundation

/// What types of a package's sources declare to conform to, read from the text of the sources.
///
/// A list of conformers that is kept by hand misses the one that is added next; the compiler has no list to compare it with.
/// Found are declarations of types, extensions and protocols, over any number of lines, with generic parameters and `where`
/// clauses; refinements of a protocol, subclasses and type aliases are followed. Not found are conformances that a macro writes.
public struct Conformances: Sendable {
  /// The names after the colon of each type, protocol or alias, by its name without its module.
  private var parents: [String: Set<String>] = [:]
  private var protocols: Set<String> = []
  private var aliases: Set<String> = []

  /// Reads sources by the names of their files.
  ///
  /// - Throws: `UnreadableSource` where braces do not match.
  public init(of sources: [String: String]) throws {
    for (file, source) in sources {
      var reader = DeclarationReader(tokens: sourceTokens(source))
      guard let declarations = reader.declarations() else { throw UnreadableSource(file: file) }
      for declaration in declarations {
        parents[declaration.name, default: []].formUnion(declaration.parents)
        if declaration.kind == "protocol" { protocols.insert(declaration.name) }
        if declaration.kind == "typealias" { aliases.insert(declaration.name) }
      }
    }
  }

  /// Reads all Swift files of folders of the package, without those of `ScoreTestSupport`, whose types try the laws.
  ///
  /// - Throws: `UnreadableSource`, or an error of the file system, also for a folder that does not exist.
  public init(inFolders folders: [String]) throws {
    var sources: [String: String] = [:]
    for folder in folders {
      let path = packageFolder.appending(path: folder).path
      for name in try FileManager.default.subpathsOfDirectory(atPath: path)
      where name.hasSuffix(".swift") && !name.hasPrefix("ScoreTestSupport/") {
        sources["\(path)/\(name)"] = try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)
      }
    }
    try self.init(of: sources)
  }

  /// Those of the library and the tools, read once.
  public static let ofPackage = Result { try Conformances(inFolders: ["Sources", "Samplers"]) }

  /// The types that conform to a protocol, themselves, by a refinement of it, or by a superclass; a nested one is named by its
  /// path, such as `Outer.Inner`.
  public func types(conformingTo name: String) -> Set<String> {
    // Names that follow a colon have lost the types that they are nested in.
    var (types, names): (Set<String>, Set<String>) = ([], [name])
    var grows = true
    while grows {
      grows = false
      for (type, parents) in parents where !types.contains(type) && !parents.isDisjoint(with: names) {
        types.insert(type)
        names.insert(String(type.split(separator: ".").last ?? ""))
        grows = true
      }
    }
    return types.subtracting(protocols).subtracting(aliases)
  }
}

/// A file whose declarations could not be made out.
public struct UnreadableSource: Error {
  /// The file.
  public let file: String
}

/// The folder that holds the package's manifest.
public let packageFolder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()

/// The name of a value's type as `Conformances` has it: without module and generic arguments.
public func typeName(of value: Any) -> String {
  var (path, depth) = ("", 0)
  for character in String(reflecting: type(of: value)) {
    if character == "<" || character == "(" { depth += 1 }
    if depth == 0 { path.append(character) }
    if character == ">" || character == ")" { depth -= 1 }
  }
  // The context of a private type leaves an empty part.
  return path.split(separator: ".").dropFirst().joined(separator: ".")
}
