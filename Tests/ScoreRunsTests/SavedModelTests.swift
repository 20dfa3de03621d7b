import Foundation
import ScoreKit
import TestSupport
import Testing

@Suite struct SavedModelTests {
  private static let configuration = ModelConfiguration(
    mlp: .init(shape: [2], width: 8, blocks: 1), process: .init(.edm), sigmaData: 1)

  private static func checkpoint(
    step: Int, _ configuration: ModelConfiguration = configuration,
    changing change: (inout Checkpoint<RunRecord>) -> Void = { _ in }
  ) throws -> Checkpoint<RunRecord> {
    let weights = try Self.configuration.makeModel(seed: UInt64(step)).state()
    var checkpoint = Checkpoint(
      step: step, configuration: RunRecord(run: RunConfiguration(), model: configuration, data: ""), model: weights,
      average: weights, optimizer: [:])
    change(&checkpoint)
    return checkpoint
  }

  private static func link(_ path: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
  }

  // MARK: Where it is read

  @Test func everySpellingOfARunIsTheSameModel() throws {
    try temporaryFolder { folder in
      let checkpoints = CheckpointFolder("\(folder)/run/checkpoints")
      for step in [2, 4] { try checkpoints.write(Self.checkpoint(step: step), keeping: 2) }
      try Self.link("\(folder)/other", to: "run")
      for path in ["run", "run///", "run/checkpoints/latest", "run/checkpoints/latest//", "other/", "run/../run/."] {
        let saved = try SavedModel(contentsOf: "\(folder)/\(path)")
        #expect(saved.step == 4 && saved.path.hasSuffix("/checkpoints/step-000004"), "\(path): \(saved.path)")
      }
      // What leads through no link keeps its name.
      #expect(try SavedModel(contentsOf: "\(folder)/run//").path == "\(folder)/run/checkpoints/step-000004")
      #expect(try SavedModel(contentsOf: "\(folder)/run/checkpoints/step-000002/").step == 2)
    }
  }

  @Test func theLatestCheckpointIsReadWhileARunSaves() async throws {
    try await temporaryFolder { folder in
      let path = "\(folder)/run/checkpoints"
      try CheckpointFolder(path).write(Self.checkpoint(step: 1), keeping: 2)
      let isDone = Flag()
      let writer = Task.detached {
        var step = 1
        while !isDone.isSet {
          step += 1
          try CheckpointFolder(path).write(Self.checkpoint(step: step), keeping: 2)
        }
      }
      for _ in 0..<60 {
        let latest = try SavedModel(contentsOf: "\(path)/latest")
        #expect(latest.path.hasSuffix(CheckpointFolder.name(ofStep: latest.step)))
        #expect(try SavedModel(contentsOf: "\(folder)/run").step >= latest.step)
      }
      isDone.set()
      try await writer.value
    }
  }

  @Test func whatCannotBeLookedIntoIsUnreadableRatherThanMissing() throws {
    try temporaryFolder { folder in
      try Self.link("\(folder)/loop", to: "loop")
      for name in ["model_index.json", "config.json", "state.json", "checkpoints"] {
        try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: false)
        try Self.link("\(folder)/\(name)/\(name)", to: name)
      }
      for path in ["loop", "loop/inside", "model_index.json", "config.json", "state.json", "checkpoints"] {
        let error = #expect(throws: FileError.self, "\(path)") { try SavedModel(contentsOf: "\(folder)/\(path)") }
        #expect(error?.code == ELOOP && error?.path.hasPrefix(folder) == true, "\(path): \(String(describing: error))")
      }
    }
  }

  @Test(arguments: [
    "model_index.json", "config.json", "unet/config.json", "scheduler/scheduler_config.json",
    "unet/diffusion_pytorch_model.safetensors",
  ])
  func pipesAmongTheFilesOfDiffusersAreNotWaitedFor(_ name: String) throws {
    try temporaryFolder { folder in
      let golden = try #require(Bundle.module.resourceURL).appending(path: "Golden/linear").path
      try FileManager.default.copyItem(atPath: golden, toPath: "\(folder)/a")
      if name == "config.json" { try FileManager.default.removeItem(atPath: "\(folder)/a/model_index.json") }
      try? FileManager.default.removeItem(atPath: "\(folder)/a/\(name)")
      #expect(mkfifo("\(folder)/a/\(name)", 0o600) == 0)
      let error = #expect(throws: FileError.self) { try SavedModel(contentsOf: "\(folder)/a") }
      #expect(error?.description.contains("it is neither a file nor a folder") == true)
    }
  }

  @Test func whatIsNoRunIsMissing() throws {
    try temporaryFolder { folder in
      try Data().write(to: URL(filePath: "\(folder)/file"))
      for (path, words) in [
        ("", "holds no checkpoint"), ("none", "does not exist"), ("file", "is a file"), ("file/a", "does not exist"),
      ] {
        let error = #expect(throws: RunError.self) { try SavedModel(contentsOf: "\(folder)/\(path)") }
        #expect(error?.kind == .missing && error?.description.contains(words) == true, "\(path)")
      }
      let pipe = #expect(throws: FileError.self) { try SavedModel(contentsOf: "/dev/null") }
      #expect(pipe?.description.contains("neither a file nor a folder") == true)
    }
  }

  // MARK: What is read

  @Test func configurationsThatClaimMoreThanTheWeightsAreOfAnotherModel() throws {
    try temporaryFolder { folder in
      var wide = Self.configuration
      wide.mlp?.width = 16_000
      var many = Self.configuration
      many.mlp = .init(shape: [2], width: 2, blocks: 100_000_000)
      var extreme = Self.configuration
      extreme.process.maximum = 1e300
      for (index, configuration) in [wide, many, extreme].enumerated() {
        try Self.checkpoint(step: 1, configuration).write(to: "\(folder)/\(index)")
        let clock = ContinuousClock()
        let time = clock.measure {
          let error = #expect(throws: CheckpointError.self) { try SavedModel(contentsOf: "\(folder)/\(index)") }
          #expect(error?.kind == .data)
        }
        #expect(time < .seconds(10))
      }
    }
  }

  @Test func weightsThatAreNotFiniteAreDamaged() throws {
    try temporaryFolder { folder in
      let bad = Tensor([Float.nan, 1])
      try Self.checkpoint(step: 1) { $0.average["output.bias"] = bad }.write(to: "\(folder)/average")
      try Self.checkpoint(step: 1) { $0.model["output.bias"] = bad }.write(to: "\(folder)/model")
      for (name, useAverage) in [("average", true), ("model", false)] {
        let path = "\(folder)/\(name)"
        let error = #expect(throws: CheckpointError.self) { try SavedModel(contentsOf: path, useAverage: useAverage) }
        #expect(error?.kind == .data && error?.description.contains("output.bias") == true)
        // The others are as they were.
        #expect(try SavedModel(contentsOf: path, useAverage: !useAverage).step == 1)
      }
    }
  }
}

/// A truth value that threads share.
private final class Flag: @unchecked Sendable {
  private let lock = NSLock()
  private var value = false

  var isSet: Bool { lock.withLock { value } }
  func set() { lock.withLock { value = true } }
}
