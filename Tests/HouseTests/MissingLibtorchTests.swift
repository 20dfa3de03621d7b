import Foundation
import TestSupport
import Testing

/// Whoever builds without libtorch reads what to do, and nothing else.
@Suite struct MissingLibtorchTests {
  private static let sources: [String] = {
    let folder = "\(Imports.root)/Sources/CTorch"
    let paths = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    return paths.filter { $0.hasSuffix(".cpp") && $0 != "environment.cpp" }.sorted().map { "\(folder)/\($0)" }
  }()

  @Test(arguments: sources) func everySourceSaysSo(_ path: String) throws {
    let result = try Program(path: "/usr/bin/env").run([
      "clang++", "-std=c++20", "-fsyntax-only", "-I", "\(Imports.root)/Sources/CTorch/include", path,
    ])
    let errors = result.errors.split(separator: "\n").filter { $0.contains("error: ") }
    #expect(errors.count == 1 && errors[0].contains("libtorch was not found. Run scripts/bootstrap, or set LIBTORCH"))
  }

  @Test func thereAreSources() { #expect(Self.sources.count > 15) }
}
