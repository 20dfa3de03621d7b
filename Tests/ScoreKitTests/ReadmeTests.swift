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
      #expect(samples.shape == [1000, 2])
    }
  }

  @Test func readmeShowsThisProgram() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    func lines(_ text: Substring) -> [String] {
      text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }
    let readme = try String(contentsOf: root.appendingPathComponent("README.md"), encoding: .utf8)
    let blocks = readme.components(separatedBy: "```swift\n").dropFirst().map {
      $0.components(separatedBy: "```")[0]
    }
    #expect(blocks.count == 1)
    let source = try String(contentsOfFile: #filePath, encoding: .utf8)
    let parts = source.components(separatedBy: "// README begins\n").dropFirst().map {
      $0.components(separatedBy: "// README ends")[0]
    }
    let program = blocks.joined().replacingOccurrences(of: "\"moons.png\"", with: "path")
    let shown = lines(Substring(program)).filter { $0 != "import ScoreKit" }
    #expect(shown == lines(Substring(parts.prefix(2).joined(separator: "\n"))))
  }
}
