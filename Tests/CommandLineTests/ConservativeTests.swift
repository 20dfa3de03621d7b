import Foundation
import TestSupport
import Testing

@Suite struct ConservativeTests {
  @Test(arguments: [["penalty", "--penalty-weight", "30"], ["projection", "--projection-every", "4"]])
  func conservativeRunCanBeInterrupted(_ way: [String]) throws {
    try temporaryFolder { folder in
      let (whole, parts) = ("\(folder)/whole", "\(folder)/parts")
      let options = ["--conservative"] + way + ["--decay", "constant", "--warmup", "0"]
      let result = try Tool.train.run(
        tinyRun(whole, steps: 10, checkpointEvery: 5).map { $0 == "none" ? "plain" : $0 } + options, in: folder)
      #expect(result.status == 0, "\(result.errors)")
      let isProjected = way[0] == "projection"
      let metrics = try String(contentsOfFile: "\(whole)/metrics.jsonl", encoding: .utf8)
      let line = try #require(metrics.split(separator: "\n").last)
      let json = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      let projection = json["projection"] as? [String: Any]
      #expect((projection != nil) == isProjected)
      if let projection {
        #expect((projection["iterations"] as? Double ?? 0) >= 1)
        #expect((projection["constraint-norm"] as? Double ?? 0) > 0)
      }

      // The seventh step lies between two projections.
      let first = try Tool.train.run(tinyRun(parts, steps: 10, checkpointEvery: 7) + options, in: folder)
      #expect(first.status == 0, "\(first.errors)")
      for name in ["step-000010", "latest"] {
        try FileManager.default.removeItem(atPath: "\(parts)/checkpoints/\(name)")
      }
      let second = try Tool.train.run(["--out", parts, "--resume"], in: folder)
      #expect(second.status == 0, "\(second.errors)")
      for file in ["model", "ema", "optimizer"] {
        let written = try #require(contents("\(whole)/checkpoints/step-000010/\(file).safetensors"))
        #expect(written == contents("\(parts)/checkpoints/step-000010/\(file).safetensors"), "\(file)")
      }
    }
  }
}
