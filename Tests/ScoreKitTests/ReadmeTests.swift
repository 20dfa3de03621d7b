import Foundation
import ScoreKit
import TestSupport
import Testing

/// The library example of README.md, as a test: `readmeShowsThisProgram` keeps the two equal.
// README begins
struct LinearScore: ScoreModel {
  let layer: Linear
  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    -layer(x) / (t.square() + 1).broadcastable(toRank: x.rank)
  }
}
// README ends

@Suite struct ReadmeTests {
  @Test func exampleRuns() throws {
    try temporaryFolder { folder in
      let path = "\(folder)/moons.png"
      // README begins
      Engine.prepare()
      var generator = RandomGenerator(seed: 0, purpose: .initialization)
      let model = LinearScore(layer: Linear(2, 2, using: &generator))
      let trainer = Trainer(
        model, process: EDMProcess(), data: try DatasetSource("moons").load(),
        objective: DenoisingScoreMatching(noiseLevels: .logNormal(), weighting: .edm(sigmaData: 1.5)),
        settings: .init(batchSize: 256, schedule: .init(peak: 1e-2, steps: 200)))
      for _ in 0..<200 { try trainer.advance() }
      let samples = try HeunSampler().sample(from: model, process: EDMProcess(), shape: [2], seeds: Array(0..<1000))
      try Image.picture(of: samples).write(toPNG: path)
      // README ends
      let picture = try Image(contentsOfPNG: path)
      #expect(picture.width == 720)
      #expect(samples.shape == [1000, 2] && samples.allFinite)
      // Training has lowered the loss, on the same noisy points.
      func loss(_ model: LinearScore) throws -> Double {
        var generator = RandomGenerator(seed: 1)
        return try trainer.objective.loss(
          of: model, on: TrainingBatch(examples: DatasetSource("moons").load().examples[0..<1000].to(.float32)),
          process: EDMProcess(), using: &generator
        ).item()
      }
      var again = RandomGenerator(seed: 0, purpose: .initialization)
      let (before, after) = (try loss(LinearScore(layer: Linear(2, 2, using: &again))), try loss(model))
      #expect(after < 0.8 * before, "\(before) \(after)")
    }
  }

  /// The manifest of a package of one's own; what it depends on is this checkout.
  @Test func manifestIsOne() throws {
    let manifest = try #require(try DocumentationPage("README.md").blocks("swift").first)
    try temporaryFolder { folder in
      let shown = manifest.replacingOccurrences(of: "../ScoreKit", with: DocumentationPage.root.path)
      try shown.write(toFile: "\(folder)/Package.swift", atomically: true, encoding: .utf8)
      let dump = ["swift", "package", "--package-path", folder, "dump-package"]
      let result = try Program(path: "/usr/bin/env").run(dump)
      #expect(result.status == 0, "\(result.errors)")
      let package = try JSONDecoder().decode(Manifest.self, from: Data(result.output.utf8))
      #expect(package.targets.map(\.type) == ["executable"])
      #expect(
        package.dependencies.map { URL(fileURLWithPath: $0.fileSystem[0].path).standardizedFileURL.path }
          == [DocumentationPage.root.standardizedFileURL.path])
      // The products that targets may name are those of this package's own manifest.
      let own = try DocumentationPage("Package.swift").text
      #expect(shown.contains("dependencies: [\"ScoreKit\"]") && own.contains(".library(name: \"ScoreKit\""))
    }
  }

  private struct Manifest: Decodable {
    struct Target: Decodable { let type: String }
    struct Dependency: Decodable { let fileSystem: [Package] }
    struct Package: Decodable { let path: String }
    let targets: [Target]
    let dependencies: [Dependency]
  }

  @Test func readmeIsShort() throws {
    #expect(try DocumentationPage("README.md").text.utf8.count <= 10_000)
  }

  @Test func linksLeadToFiles() throws {
    let pages = ["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "Benchmarks/README.md", "outputs/README.md"]
    for page in try DocumentationPage.all() + pages.map({ try DocumentationPage($0) }) {
      let folder = DocumentationPage.root.appendingPathComponent(page.path).deletingLastPathComponent()
      for match in page.text.matches(of: /\]\(([^)#]+)[^)]*\)/) where !match.1.contains("://") {
        let target = folder.appendingPathComponent(String(match.1)).path
        #expect(FileManager.default.fileExists(atPath: target), "\(page.path) links to \(match.1)")
      }
    }
  }

  @Test func readmeShowsThisProgram() throws {
    let blocks = try DocumentationPage("README.md").blocks("swift")
    #expect(blocks.count == 2)
    let source = try String(contentsOfFile: #filePath, encoding: .utf8)
    let parts = source.components(separatedBy: "// README begins\n").dropFirst().map {
      $0.components(separatedBy: "// README ends")[0]
    }
    let program = (blocks.last ?? "").replacingOccurrences(of: "\"moons.png\"", with: "path")
    let shown = DocumentationPage.lines(program).filter { $0 != "import ScoreKit" }
    #expect(shown == DocumentationPage.lines(parts.joined(separator: "\n")))
  }
}
