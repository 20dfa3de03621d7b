/// A declaration of a type, an extension, a protocol or an alias.
struct Declaration {
  let kind: String
  /// The path of names, such as `Outer.Inner`.
  let name: String
  /// The names that follow the colon, of an alias those that it stands for; without modules.
  let parents: Set<String>
}

/// Finds the declarations among tokens.
struct DeclarationReader {
  let tokens: [Substring]
  private var place = 0

  init(tokens: [Substring]) { self.tokens = tokens }

  private var token: Substring? { place < tokens.count ? tokens[place] : nil }
  private static let kinds: Set<Substring> = ["struct", "class", "enum", "actor", "extension", "protocol", "typealias"]
  /// What follows the word `class` where that means `static`, or belongs to a constraint.
  private static let modified: Set<Substring> = ["func", "var", "let", "subscript", "override", "final"]

  /// All declarations; `nil` if the braces do not match, which tells of text that was not understood.
  mutating func declarations() -> [Declaration]? {
    var found: [Declaration] = []
    // The types that enclose the place, with the depth of braces at which each began.
    var (enclosing, depth): ([(name: String, depth: Int)], Int) = ([], 0)
    while let word = token {
      place += 1
      switch word {
      case "{": depth += 1
      case "}":
        depth -= 1
        if depth < 0 { return nil }
        if enclosing.last?.depth == depth { enclosing.removeLast() }
      case _ where Self.kinds.contains(word) && isDeclaration:
        let name = (enclosing.last.map { $0.name + "." } ?? "") + readName()
        skipGenericParameters()
        var parents: Set<String> = []
        if token == ":" || (word == "typealias" && token == "=") {
          place += 1
          parents = readParents(isAlias: word == "typealias")
        }
        found.append(Declaration(kind: String(word), name: name, parents: parents))
        if word == "typealias" { continue }
        while let next = token, next != "{" { place += 1 }
        place += 1
        enclosing.append((name, depth))
        depth += 1
      default: break
      }
    }
    return depth == 0 ? found : nil
  }

  /// Whether the word before the place begins a declaration: a name follows, and it is neither a member such as `.class` nor
  /// the label of an argument.
  private var isDeclaration: Bool {
    guard let next = token, let first = next.first, first.isLetter || first == "_" else { return false }
    return !Self.modified.contains(next) && (place < 2 || ![".", "(", ","].contains(tokens[place - 2]))
  }

  /// A name and those after dots; the module of an extended type is not known as such and stays.
  private mutating func readName() -> String {
    var names = [String(token ?? "")]
    place += 1
    while token == ".", place + 1 < tokens.count {
      names.append(String(tokens[place + 1]))
      place += 2
    }
    return names.joined(separator: ".")
  }

  private mutating func skipGenericParameters() {
    guard token == "<" else { return }
    var depth = 0
    while let next = token {
      place += 1
      if next == "<" { depth += 1 }
      // The arrow of a function's type is no bracket.
      if next == ">", place < 2 || tokens[place - 2] != "-" { depth -= 1 }
      if depth == 0 { return }
    }
  }

  /// Names with commas or ampersands between them up to a brace, `where`, or, for an alias, the first thing that belongs to
  /// no composition.
  private mutating func readParents(isAlias: Bool) -> Set<String> {
    var names: Set<String> = []
    while let next = token, next != "{", next != "where" {
      if next == "," || next == "&" {
        place += 1
      } else if next == "@" || ["any", "some", "nonisolated"].contains(next) {
        // An attribute, such as @unchecked.
        place += next == "@" ? 2 : 1
      } else if next.first?.isLetter == true || next.first == "_" {
        let name = readName()
        skipGenericParameters()
        // Of a name with its module or outer type, the last part counts.
        names.insert(String(name.split(separator: ".").last ?? ""))
        if isAlias, token != "&" { break }
      } else if isAlias {
        break
      } else {
        place += 1
      }
    }
    return names
  }
}
