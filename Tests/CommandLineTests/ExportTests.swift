import Foundation
import ScoreKit
import TestSupport
import Testing

/// Models on their way to diffusers.
@Suite struct ExportTests {
  @Test func exportedRunsDrawTheSameImages() throws {
    try temporaryFolder { folder in
      let trained = try Tool.train.run(tinyRun("\(folder)/run") + ["--process", "ddpm"], in: folder)
      #expect(trained.status == 0, "\(trained.errors)")
      let exported = try Tool.export.run(["\(folder)/run", "--out", "\(folder)/pipeline"], in: folder)
      #expect(exported.status == 0 && exported.output == "\(folder)/pipeline\n", "\(exported.errors)")
      try NPYFile.write(RandomGenerator(seed: 3).firstNormal([2, 1, 8, 8]), to: "\(folder)/noise.npy")
      func draw(_ source: String) throws -> Data? {
        let drawn = try Tool.sample.run(
          [
            "\(folder)/\(source)", "--out", "\(folder)/\(source).npy", "--count", "2", "--sampler", "ddim", "--steps",
            "3",
            "--noise", "\(folder)/noise.npy",
          ], in: folder)
        #expect(drawn.status == 0, "\(drawn.errors)")
        return contents("\(folder)/\(source).npy")
      }
      let own = try draw("run")
      #expect(try own != nil && own == draw("pipeline"))
      let noise = try NPYFile.read("\(folder)/noise.npy")
      // Other noise gives other images.
      try NPYFile.write(noise * 0.5, to: "\(folder)/noise.npy")
      #expect(try own != draw("run"))
    }
  }

  @Test func whatHasNoFormThereIsRefused() throws {
    try temporaryFolder { folder in
      #expect(try Tool.train.run(tinyRun("\(folder)/run"), in: folder).status == 0)
      try Tool.export.expectFailure(
        ["\(folder)/run", "--out", "\(folder)/a"], status: 65, mentioning: ["--process ddpm"], in: folder)
      try Tool.export.expectFailure(
        ["\(folder)/run", "--out", folder], status: 64, mentioning: [folder, "another --out"], in: folder)
      try Tool.export.expectFailure(
        ["\(folder)/none", "--out", "\(folder)/a"], status: 66, mentioning: ["none"], in: folder)
      try Tool.sample.expectFailure(
        ["\(folder)/run", "--out", "\(folder)/a.png", "--schedule", "leading", "--sampler", "ddim"], status: 64,
        mentioning: ["ddpm"], in: folder)
      try NPYFile.write(Tensor.zeros([3, 1, 8, 8]), to: "\(folder)/noise.npy")
      try Tool.sample.expectFailure(
        ["\(folder)/run", "--out", "\(folder)/a.png", "--noise", "\(folder)/noise.npy"], status: 65,
        mentioning: ["[3, 1, 8, 8]"], in: folder)
    }
  }
}

extension RandomGenerator {
  /// The first normal numbers of the stream.
  fileprivate func firstNormal(_ shape: [Int]) -> Tensor {
    var copy = self
    return copy.normal(shape)
  }
}
