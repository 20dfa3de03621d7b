import Foundation
import TestSupport
import Testing

/// A command as a page shows it.
struct DocumentedCommand {
  /// The words, without a comment and without the folder of a program that was built.
  let words: [String]

  /// Takes a command apart; `nil` where there is none.
  init?(_ line: some StringProtocol) {
    let code = line.components(separatedBy: " #")[0].trimmingCharacters(in: .whitespaces)
    guard !code.isEmpty, !code.hasPrefix("#") else { return nil }
    var words = code.split(separator: " ").map(String.init)
    if words[0].hasPrefix(".build/release/") { words[0] = String(words[0].dropFirst(15)) }
    self.words = words
  }

  /// The commands of the `sh` blocks of a page; a backslash continues a line.
  static func all(in page: DocumentationPage) -> [DocumentedCommand] {
    page.blocks("sh").flatMap { block in
      block.replacing(#/ *\\\n */#, with: " ").split(separator: "\n").compactMap { DocumentedCommand($0) }
    }
  }

  /// The commands that stand as code in the tables and sentences of a page.
  static func inText(of page: DocumentationPage) -> [DocumentedCommand] {
    var isProse = true
    let prose = page.text.split(separator: "\n").filter { line in
      if line.trimmingCharacters(in: .whitespaces).hasPrefix("```") { isProse.toggle() }
      return isProse
    }
    return prose.joined(separator: "\n").matches(of: /`((?:score-[a-z]+|scripts\/|swift run|python3)[^`]*)`/)
      .compactMap { DocumentedCommand($0.1.replacing("\n", with: " ")) }
  }

  /// The tool of this package that it runs.
  var tool: Tool? { [Tool.train, .sample, .evaluate, .export].first { $0.name == words[0] } }

  /// The options among the words.
  var flags: [String] { words.filter { $0.hasPrefix("--") }.map { String($0.split(separator: "=")[0]) } }

  /// The arguments, with small ones in place of those that would take long.
  func small(extra: [String]) -> [String] {
    var arguments = words.dropFirst().map { $0.replacing("WAY", with: "energy") }
    switch words[0] {
    case "score-train":
      let isNetwork = arguments.contains("--model") || ["spirals", "moons"].contains { arguments.contains($0) }
      arguments += ["--steps", "4", "--batch-size", "8", "--blocks", "1", "--checkpoint-every", "4"]
      arguments += isNetwork ? ["--width", "8"] : ["--channels", "8,8"]
      arguments += ["--threads", "1", "--device", "cpu", "--progress", "none"]
    case "score-sample":
      arguments += ["--count", "4", "--steps", "2", "--threads", "1", "--progress", "none"]
    case "score-evaluate":
      arguments += ["--count", "8", "--noise-levels", "1", "--threads", "1", "--progress", "none"]
      if arguments.contains("--samples") { arguments += ["--samples", "16"] }
    default: break
    }
    return arguments + extra
  }

  /// Why the command cannot be right, found without running it; `nil` if nothing speaks against it.
  func complaint(in folder: String) throws -> String? {
    let manager = FileManager.default
    func path(_ name: String) -> String { DocumentationPage.root.appendingPathComponent(name).path }
    if let tool { return try unknownFlag(in: tool.run(["--help"], in: folder).output) }
    if words[0].hasPrefix("scripts/") {
      guard manager.isExecutableFile(atPath: path(words[0])) else { return "\(words[0]) is no script" }
      let names = (try? manager.contentsOfDirectory(atPath: path("\(words[0]).d"))) ?? []
      let files = [words[0]] + names.filter { $0.hasSuffix(".py") }.map { "\(words[0]).d/\($0)" }
      var text = try files.map { try DocumentationPage($0).text }.joined()
      if words[0] == "scripts/test", words.count == 3 {
        // Its arguments go to `swift test`.
        guard try Self.suites().contains(words[2]) else { return "there is no suite \(words[2])" }
        text += " --filter"
      }
      if words[0] == "scripts/fuzz", let reader = words.dropFirst(2).first(where: { !text.contains($0) }) {
        return "there is no reader \(reader)"
      }
      return unknownFlag(in: text)
    }
    switch words[0] {
    case "swift" where words.count > 1 && words[1] == "run":
      let program = words[2...].drop { ["-c", "release"].contains($0) }
      guard let name = program.first, manager.isExecutableFile(atPath: Tool.built(name).path) else {
        return "there is no such program"
      }
      let own = DocumentedCommand(program.joined(separator: " "))
      if own?.flags.isEmpty ?? true { return nil }
      return try own?.unknownFlag(in: Tool.built(name).run(["--help"], in: folder).output)
    case "swift":
      let isKnown = ["build", "test", "format", "package"].contains(words.dropFirst().first)
      return isKnown ? nil : "swift has no such command here"
    case "python3": return manager.fileExists(atPath: path(words[1])) ? nil : "\(words[1]) does not exist"
    case "git", "cd", "tensorboard": return nil
    default: return words[0].hasPrefix("LIBTORCH=") ? nil : "no test knows \(words[0])"
    }
  }

  private func unknownFlag(in text: String) -> String? {
    flags.first { !text.contains($0) }.map { "\(words[0]) has no \($0)" }
  }

  private static func suites() throws -> Set<String> {
    var suites: Set<String> = []
    let root = DocumentationPage.root.appendingPathComponent("Tests")
    let files = FileManager.default.enumerator(atPath: root.path)?.compactMap { $0 as? String } ?? []
    for file in files where file.hasSuffix(".swift") {
      let text = try String(contentsOf: root.appendingPathComponent(file), encoding: .utf8)
      suites.formUnion(text.matches(of: /struct (\w+Tests)\b/).map { String($0.1) })
    }
    return suites
  }
}
