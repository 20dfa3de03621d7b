import TestSupport
import Testing

@Suite struct VersionTests {
  /// The newest version of CHANGELOG.md.
  private var newest: String {
    get throws {
      let headings = try DocumentationPage("CHANGELOG.md").text.matches(of: /(?m)^## \[(\d+\.\d+\.\d+)\]/)
      return String(try #require(headings.first).1)
    }
  }

  @Test(arguments: [Tool.train, .sample, .evaluate, .export])
  func toolsTellTheVersionOfTheChangelog(tool: Tool) throws {
    try temporaryFolder { folder in
      let result = try tool.run(["--version"], in: folder)
      #expect(result.status == 0)
      #expect(result.output == "\(tool.name) \(try newest)\n")
      #expect(result.errors.isEmpty)
    }
  }
}
