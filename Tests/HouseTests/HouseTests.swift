import Foundation
import Testing

/// The rules of ARCHITECTURE.md that sources can be checked for.
@Suite struct HouseTests {
  /// The table of ARCHITECTURE.md: who may import whom.
  static let arrows: [String: Set<String>] = {
    let text = (try? Imports.text(of: "ARCHITECTURE.md")) ?? ""
    var arrows: [String: Set<String>] = [:]
    let rows = text.split(separator: "\n").drop { !$0.hasPrefix("| module | imports |") }.prefix { $0.hasPrefix("|") }
    for row in rows.dropFirst(2) {
      let cells = row.split(separator: "|", omittingEmptySubsequences: false)
      let imports = Set(names(cells[2]))
      for module in names(cells[1]).flatMap({ $0 == "score-*" ? tools : [$0] }) { arrows[module] = imports }
    }
    return arrows
  }()

  private static let tools = ["score-train", "score-sample", "score-evaluate", "score-export"]

  /// The words in code voice.
  private static func names(_ cell: Substring) -> [String] { cell.matches(of: /`([^`]+)`/).map { String($0.1) } }

  static let libraries = arrows.keys.filter {
    !$0.hasPrefix("score-") && !["CommandLineSupport", "ScoreTools"].contains($0)
  }.sorted()

  @Test func everyModuleHasItsPlaceInTheHouse() {
    #expect(Self.arrows.count > 20)
    #expect(Set(Imports.folders.keys) == Set(Self.arrows.keys), "ARCHITECTURE.md and the folders differ")
  }

  @Test(arguments: arrows.keys.sorted())
  func modulesImportOnlyWhatLiesBelowThem(_ module: String) throws {
    let allowed = try #require(Self.arrows[module])
    let folder = try #require(Imports.folders[module])
    for file in Imports.swiftFiles(in: folder) {
      let own = Imports.imports(in: try Imports.text(of: file)).intersection(Self.arrows.keys)
      #expect(own.subtracting(allowed).isEmpty, "\(file) imports \(own.subtracting(allowed).sorted())")
    }
  }

  @Test func arrowsMakeNoCircle() {
    var open = Self.arrows
    while let lowest = open.first(where: { $0.value.isEmpty })?.key {
      open[lowest] = nil
      for module in open.keys { open[module]?.remove(lowest) }
    }
    #expect(open.isEmpty, "\(open.keys.sorted()) import each other")
  }

  @Test func theUmbrellaHasNothingOfItsOwn() throws {
    #expect(Imports.swiftFiles(in: "Sources/ScoreKit") == ["Sources/ScoreKit/ScoreKit.swift"])
    let lines = try Imports.text(of: "Sources/ScoreKit/ScoreKit.swift").split(separator: "\n")
    #expect(lines.allSatisfy { $0.hasPrefix("//") || $0.hasPrefix("@_exported public import ") })
  }

  @Test(arguments: libraries)
  func librariesKnowNoFlags(_ module: String) throws {
    let folder = try #require(Imports.folders[module])
    for file in Imports.swiftFiles(in: folder) where !file.hasSuffix(".pb.swift") {
      let text = try Imports.text(of: file)
      for line in text.split(separator: "\n") {
        #expect(!line.contains(/--[a-z]/), "\(file): \(line)")
      }
    }
  }

  /// Swift's own checks print nothing in release builds and end the process by a signal; `demand` and `endProgram` of `Files`
  /// say their sentence.
  @Test(arguments: libraries)
  func mistakesAreNamedInEveryBuild(_ module: String) throws {
    let folder = try #require(Imports.folders[module])
    for file in Imports.swiftFiles(in: folder) where !file.hasSuffix(".pb.swift") {
      for line in try Imports.text(of: file).split(separator: "\n") {
        #expect(
          !line.contains(/\b(precondition|preconditionFailure|assert|assertionFailure|fatalError)\(/),
          "\(file): \(line)")
      }
    }
  }

  @Test func filesAreShort() throws {
    let folders = ["Sources", "Samplers", "Examples", "Benchmarks", "Tests", "Fuzzing"]
    let files = folders.flatMap(Imports.swiftFiles(in:)).filter { !$0.hasSuffix(".pb.swift") }
    let lengths = try files.map { file in
      let length = try Imports.text(of: file).split(separator: "\n", omittingEmptySubsequences: false).count - 1
      #expect(length <= 400, "\(file) has \(length) lines")
      return length
    }
    #expect(files.count > 300)
    #expect(lengths.sorted()[files.count / 2] <= 130)
  }

  /// The reader of imports that the other tests rely on.
  @Test func importsAreFoundAtAnyLevel() {
    let text = "@testable import A\npublic import B\n  package import C\nimport D\n// import E\nlet f = \"import G\"\n"
    #expect(Imports.imports(in: text) == ["A", "B", "C", "D"])
  }

  /// Errors that a caller sees tell their kind.
  @Test func publicErrorsAreFailures() throws {
    let files = Self.libraries.compactMap { Imports.folders[$0] }.flatMap(Imports.swiftFiles(in:))
    let texts = try files.map { (file: $0, text: try Imports.text(of: $0)) }
    let all = texts.map(\.text).joined(separator: "\n")
    for (file, text) in texts {
      for match in text.matches(of: /public (?:struct|enum|final class) (\w+)\s*:[^{]*\bError\b/) {
        #expect(all.contains("\(match.1): Failure"), "\(match.1) in \(file) is an error without a kind")
      }
    }
  }
}
