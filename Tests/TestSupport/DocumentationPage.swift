public import Foundation

/// A page of Markdown in the repository, with its blocks of code.
public struct DocumentationPage: Sendable {
  /// A block between two fences.
  public struct Block: Sendable {
    /// What is written behind the first fence: `swift`, `sh`, `text`, `json`.
    public let language: String
    /// The lines between the fences.
    public let text: String
  }

  /// The path from the root of the repository.
  public let path: String
  /// The content.
  public let text: String

  /// The name without folder and extension.
  public var name: String { URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent }

  /// The root of the repository.
  public static let root = packageFolder

  /// Reads a page.
  public init(_ path: String) throws {
    self.path = path
    text = try String(contentsOf: Self.root.appendingPathComponent(path), encoding: .utf8)
  }

  /// The pages for those who use the package: README, articles, and the pages of the modules.
  public static func all() throws -> [DocumentationPage] {
    var paths = ["README.md"]
    let manager = FileManager.default
    for folder in try manager.contentsOfDirectory(atPath: root.appendingPathComponent("Sources").path).sorted() {
      paths += try pages(in: "Sources/\(folder)/\(folder).docc")
    }
    paths += try pages(in: "Samplers/Samplers.docc")
    return try paths.map { try DocumentationPage($0) }
  }

  private static func pages(in folder: String) throws -> [String] {
    let path = root.appendingPathComponent(folder).path
    guard FileManager.default.fileExists(atPath: path) else { return [] }
    return try FileManager.default.contentsOfDirectory(atPath: path).sorted().filter { $0.hasSuffix(".md") }
      .map { "\(folder)/\($0)" }
  }

  /// The blocks of code, in their order.
  public var blocks: [Block] {
    var blocks: [Block] = []
    var (language, lines): (String?, [Substring]) = (nil, [])
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      let trimmed = line.trimmingCharacters(in: .whitespaces)
      if trimmed.hasPrefix("```") {
        if let open = language {
          blocks.append(Block(language: open, text: lines.joined(separator: "\n")))
          language = nil
        } else {
          (language, lines) = (String(trimmed.dropFirst(3)), [])
        }
      } else if language != nil {
        lines.append(line)
      }
    }
    return blocks
  }

  /// The blocks of one language.
  public func blocks(_ language: String) -> [String] { blocks.filter { $0.language == language }.map(\.text) }

  /// The lines of a program without indentation and empty lines.
  public static func lines(_ program: some StringProtocol) -> [String] {
    program.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
  }
}
