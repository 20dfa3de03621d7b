import Foundation
import ScoreModels
import TestSupport
import Testing
import Torch

@Suite struct UNetFilesTests {
  private static func small() -> UNet2D {
    var generator = RandomGenerator(seed: 1, purpose: .initialization)
    return UNet2D(
      .init(channels: [4, 8], attentionLevels: [1], classCount: 2), zeroOutput: false, using: &generator)
  }

  private static let weights = "diffusion_pytorch_model.safetensors"

  /// The largest difference within each example relative to that example's largest number.
  @Test(arguments: ["unet-attention", "unet-scale-shift", "unet-fourier"])
  func outputsAreThoseOfDiffusers(name: String) throws {
    let folder = try goldenFolder(name)
    let network = try UNet2D(contentsOf: folder)
    let example = try Safetensors(contentsOf: "\(folder)/example.safetensors").tensors
    let expected = try #require(example["output"])
    let output = network(
      try #require(example["input"]), noise: try #require(example["noise"]), condition: example["labels"])
    #expect(output.shape == expected.shape)
    for i in 0..<expected.size(0) {
      let scale = expected[i].abs().max().item()
      #expect(scale > 0)
      expectClose(output[i] / scale, expected[i] / scale, rtol: 0, atol: 1e-5, "example \(i)")
    }
  }

  @Test func whatIsWrittenIsReadBack() throws {
    let network = Self.small()
    try temporaryFolder { folder in
      try network.write(to: "\(folder)/a/b")
      let again = try UNet2D(contentsOf: "\(folder)/a/b")
      #expect(again.configuration == network.configuration)
      #expect(again.state().keys == network.state().keys)
      for (name, value) in network.state() { expectIdentical(again.state()[name] ?? .zeros([]), value, name) }
      let config = try String(contentsOfFile: "\(folder)/a/b/config.json", encoding: .utf8)
      #expect(config.contains(#""_class_name" : "UNet2DModel""#))
    }
  }

  @Test func oldNamesOfAttentionAreUnderstood() throws {
    let network = Self.small()
    try temporaryFolder { folder in
      try network.write(to: folder)
      let old = network.state().map { name, value in
        var name = name
        for (new, former) in [("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn")] {
          name = name.replacingOccurrences(of: ".\(new).", with: ".\(former).")
        }
        return (name, value)
      }
      #expect(old.contains { $0.0 == "mid_block.attentions.0.proj_attn.weight" })
      try Safetensors(Dictionary(uniqueKeysWithValues: old)).write(to: "\(folder)/\(Self.weights)")
      let again = try UNet2D(contentsOf: folder)
      for (name, value) in network.state() { expectIdentical(again.state()[name] ?? .zeros([]), value, name) }
    }
  }

  @Test func halfPrecisionIsConverted() throws {
    let network = Self.small()
    try temporaryFolder { folder in
      try network.write(to: folder)
      try Safetensors(network.state().mapValues { $0.to(.float16) }).write(to: "\(folder)/\(Self.weights)")
      let again = try UNet2D(contentsOf: folder)
      #expect(again.parameters().allSatisfy { $0.value.dtype == .float32 })
    }
  }

  @Test func badFoldersAreRefusedInOneSentenceWithThePath() throws {
    try temporaryFolder { folder in
      let (config, weights) = ("\(folder)/config.json", "\(folder)/\(Self.weights)")
      func expectRefusal(mentions words: String..., sourceLocation: SourceLocation = #_sourceLocation) {
        let error = #expect(throws: (any Error).self, sourceLocation: sourceLocation) {
          try UNet2D(contentsOf: folder)
        }
        for word in words { expectSentence(error, mentions: word, sourceLocation: sourceLocation) }
      }
      func write(_ text: String, to path: String) throws {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
      }
      expectRefusal(mentions: config)
      try Self.small().write(to: folder)
      let good = try Data(contentsOf: URL(filePath: weights))
      let goodConfig = try String(contentsOfFile: config, encoding: .utf8)

      try write("{", to: config)
      expectRefusal(mentions: config, "JSON")
      try write(#"{"dropout": 0.5}"#, to: config)
      expectRefusal(mentions: config, "dropout")
      try write(#"{"layers_per_block": "two"}"#, to: config)
      expectRefusal(mentions: config, "layers_per_block")

      try write(
        goodConfig.replacingOccurrences(of: #""layers_per_block" : 1"#, with: #""layers_per_block" : 2"#), to: config)
      expectRefusal(mentions: weights, "another model")
      try write(goodConfig, to: config)
      for length in [0, 7, 100, good.count - 1] {
        try good.prefix(length).write(to: URL(filePath: weights))
        expectRefusal(mentions: weights)
      }
      try Safetensors(["conv_in.weight": .ones([1])]).write(to: weights)
      expectRefusal(mentions: weights, "another model")
      try FileManager.default.removeItem(atPath: weights)
      expectRefusal(mentions: weights)
      try write("", to: "\(folder)/diffusion_pytorch_model.bin")
      expectRefusal(mentions: "diffusion_pytorch_model.bin", "pickled")
    }
  }

  @Test func aFolderThatCannotBeWrittenIsNamed() throws {
    try temporaryFolder { folder in
      try "".write(toFile: "\(folder)/file", atomically: true, encoding: .utf8)
      let error = #expect(throws: (any Error).self) { try Self.small().write(to: "\(folder)/file/inside") }
      expectSentence(error, mentions: "\(folder)/file/inside")
    }
  }
}

/// The path of a folder of golden files.
private func goldenFolder(_ name: String) throws -> String {
  try #require(Bundle.module.resourceURL).appending(path: "Golden/\(name)").path
}
