import Foundation
import Testing

/// The rules of ARCHITECTURE.md that sources can be checked for.
@Suite struct HouseTests {
  /// Who may import whom: a module that is not named here may not exist, an import that is not named here neither.
  static let arrows: [String: Set<String>] = [
    "CFiles": [], "CPNG": [], "CZlib": [], "CTorch": [],
    "Files": ["CFiles", "CZlib"],
    "Torch": ["CTorch", "Files"],
    "LeastSquares": ["Torch", "Files"],
    "ScoreModels": ["Torch", "Files"],
    "Checkpoints": ["ScoreModels", "Torch", "Files"],
    "Samplers": ["ScoreModels", "Torch", "Files"],
    "ScoreMetrics": ["Samplers", "ScoreModels", "Torch", "Files"],
    "ScoreTraining": ["LeastSquares", "ScoreMetrics", "ScoreModels", "Torch", "Files"],
    "Imaging": ["CPNG", "Files"],
    "Plotting": ["Imaging"],
    "Datasets": ["Torch", "Imaging", "Files"],
    "EventFiles": ["Files"],
    "ScoreRuns": [
      "Checkpoints", "Datasets", "EventFiles", "Files", "Imaging", "Plotting", "Samplers", "ScoreMetrics", "ScoreModels",
      "ScoreTraining", "Torch",
    ],
    "ScoreKit": [
      "Checkpoints", "Datasets", "Files", "Imaging", "LeastSquares", "Plotting", "Samplers", "ScoreMetrics",
      "ScoreModels", "ScoreRuns", "ScoreTraining", "Torch",
    ],
    "CommandLineSupport": ["ScoreKit", "CFiles"],
    "score-train": ["ScoreKit", "CommandLineSupport"],
    "score-sample": ["ScoreKit", "CommandLineSupport"],
    "score-evaluate": ["ScoreKit", "CommandLineSupport"],
    "score-export": ["ScoreKit", "CommandLineSupport"],
  ]

  static let libraries = arrows.keys.filter { !$0.hasPrefix("score-") && $0 != "CommandLineSupport" }.sorted()

  @Test func everyModuleHasItsPlaceInTheHouse() {
    #expect(Set(Imports.folders.keys) == Set(Self.arrows.keys))
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
