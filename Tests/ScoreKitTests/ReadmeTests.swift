import Foundation
import ScoreKit
import TestSupport
import Testing

/// The library example of README.md, as a test: `readmeShowsThisProgram` keeps the two equal.
// README begins
struct WaveScore: ConfigurableScoreModel {
  struct Configuration: Codable, Hashable { var width = 128 }
  static let name = "waves"
  static let defaultConfiguration = Configuration()
  let input: Linear
  let hidden: Linear
  let output: Linear
  let spread: Double

  init(_ configuration: Configuration, for context: ModelContext, using generator: inout RandomGenerator) throws {
    input = Linear(15, configuration.width, using: &generator)
    hidden = Linear(configuration.width, configuration.width, using: &generator)
    output = Linear(configuration.width, 2, zero: true, using: &generator)
    spread = context.sigmaData
  }

  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    let sigma = t.broadcastable(toRank: 2)  // The time of the EDM process is the noise level.
    let variance = sigma.square() + spread * spread
    let waves = [1.0, 2, 4].flatMap { [(x * $0).sin(), (x * $0).cos()] }
    let h = input(.concatenate([x / variance.sqrt(), sigma.log() / 4] + waves, along: 1)).silu()
    return output((h + hidden(h)).silu()) / sigma - x / variance
  }
}
// README ends

@Suite struct ReadmeTests {
  @Test func exampleRuns() throws {
    try temporaryFolder { folder in
      let (run, picture) = ("\(folder)/waves", "\(folder)/waves.png")
      // README begins
      Engine.prepare()
      let catalog = Catalog([WaveScore.self])
      var configuration = RunConfiguration()
      (configuration.data, configuration.steps, configuration.sigmaMax) = ("moons", 2000, 20)
      try configuration.use(WaveScore.self)
      _ = try TrainingRun.start(configuration, at: run, catalog: catalog).train()
      let saved = try SavedModel(contentsOf: run, catalog: catalog)
      let samples = try HeunSampler().sample(
        from: saved.model, process: saved.process, shape: [2], seeds: Array(0..<2000))
      try Image.picture(of: samples, over: saved.trainingPoints(catalog)).write(toPNG: picture)
      // README ends
      #expect(samples.shape == [2000, 2] && samples.allFinite)
      #expect(try Image(contentsOfPNG: picture).width == 880)
      // Learned: the samples are nearer to the data than the same samples with noise of half a unit.
      let data = try DatasetSource("moons").load().examples.to(.float64)
      let distance = KernelDistance.squared(samples, data[0..<2000]).value
      var generator = RandomGenerator(seed: 1)
      let spoiled = samples + 0.5 * generator.normal(samples.shape, dtype: .float64)
      #expect(distance < 0.5 * KernelDistance.squared(spoiled, data[0..<2000]).value, "\(distance)")
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
    let program = (blocks.last ?? "").replacingOccurrences(of: "\"runs/waves\"", with: "run").replacingOccurrences(
      of: "\"waves.png\"", with: "picture")
    let shown = DocumentationPage.lines(program).filter { $0 != "import ScoreKit" }
    #expect(shown == DocumentationPage.lines(parts.joined(separator: "\n")))
  }
}
