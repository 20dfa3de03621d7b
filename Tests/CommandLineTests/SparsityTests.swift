import Foundation
import TestSupport
import Testing
import Torch

@Suite struct SparsityTests {
  private func zeros(_ file: String) throws -> (zeros: Int, weights: Int) {
    var counts = (zeros: 0, weights: 0)
    for value in try Safetensors(contentsOf: file).tensors.values where value.rank >= 2 {
      counts.zeros += Int((value .== 0).sum().item())
      counts.weights += value.elementCount
    }
    return counts
  }

  @Test func sparseRunEndsWithExactZerosAndCanBeInterrupted() throws {
    try temporaryFolder { folder in
      let (whole, parts) = ("\(folder)/whole", "\(folder)/parts")
      let options = ["--sparsity", "0.8", "--decay", "constant", "--warmup", "0"]
      let result = try Tool.train.run(
        tinyRun(whole, steps: 30, checkpointEvery: 10).map { $0 == "none" ? "plain" : $0 } + options, in: folder)
      #expect(result.status == 0, "\(result.errors)")
      for file in ["model", "ema"] {
        let (zeros, weights) = try zeros("\(whole)/checkpoints/step-000030/\(file).safetensors")
        #expect(zeros == Int((0.8 * Double(weights)).rounded()), "\(file)")
        #expect(result.errors.contains("\(zeros) of \(weights) weights are exactly 0"))
      }
      #expect(
        result.errors.contains("‖c‖") && result.errors.contains("sparsity 0.8") && result.errors.contains("(direct)"))
      let metrics = try String(contentsOfFile: "\(whole)/metrics.jsonl", encoding: .utf8).split(separator: "\n")
      #expect(metrics.count == 3)
      for (line, isDone) in zip(metrics, [false, true, true]) {
        let json = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        let projection = try #require(json["projection"] as? [String: Any])
        #expect(projection["stop-reason"] as? String == "direct")
        #expect(projection["residual-norm"] as? Double == 0)
        #expect(projection["iterations"] as? Double == 0)
        #expect(((projection["constraint-norm"] as? Double ?? -1) == 0) == isDone)
        let sparsity = try #require((projection["measurements"] as? [String: Double])?["sparsity"])
        #expect(isDone ? abs(sparsity - 0.8) < 1e-3 : (0..<0.8).contains(sparsity))
      }

      // The twelfth step is within an interval.
      let first = try Tool.train.run(tinyRun(parts, steps: 30, checkpointEvery: 12) + options, in: folder)
      #expect(first.status == 0, "\(first.errors)")
      for name in ["step-000024", "step-000030", "latest"] {
        try FileManager.default.removeItem(atPath: "\(parts)/checkpoints/\(name)")
      }
      let second = try Tool.train.run(["--out", parts, "--resume"], in: folder)
      #expect(second.status == 0, "\(second.errors)")
      for file in ["model", "ema", "optimizer"] {
        let written = try #require(contents("\(whole)/checkpoints/step-000030/\(file).safetensors"))
        #expect(written == contents("\(parts)/checkpoints/step-000030/\(file).safetensors"), "\(file)")
      }
      try Tool.train.expectFailure(
        ["--out", parts, "--resume", "--sparsity", "0.5"], status: 64, mentioning: ["--sparsity"], in: folder)
    }
  }
}
