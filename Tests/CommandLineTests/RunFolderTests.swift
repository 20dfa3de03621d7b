import Files
import Foundation
import TestSupport
import Testing

/// What happens to a run's folder when others write to it, or its trainer was killed.
@Suite struct RunFolderTests {
  private func train(_ arguments: [String], in folder: String) throws {
    let result = try Tool.train.run(arguments, in: folder)
    #expect(result.status == 0, "\(result.errors)")
  }

  @Test func folderIsLockedBeforeAnythingIsLookedAt() throws {
    try temporaryFolder { folder in
      let run = "\(folder)/run"
      do {
        let lock = try #require(try FolderLock.take(run))
        defer { withExtendedLifetime(lock) {} }
        // Neither the data, which are missing, nor the folder's content is what the sentence is about.
        for options in [["--data", "\(folder)/nothing"], ["--data", "digits"]] {
          try Tool.train.expectFailure(
            ["--out", run] + options, status: 64, mentioning: ["being trained by another process"], in: folder)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: run).isEmpty)
      }
      try train(tinyRun(run), in: folder)
    }
  }

  @Test func secondTrainerIsRefusedWhateverFilesAreRemoved() throws {
    try temporaryFolder { folder in
      let run = "\(folder)/run"
      let first = try Tool.train.start(tinyRun(run, steps: 100_000, checkpointEvery: 10), in: folder)
      defer { first.send(SIGTERM) }
      while contents("\(run)/checkpoints/step-000010/state.json") == nil, first.isRunning { usleep(20_000) }
      for name in try FileManager.default.contentsOfDirectory(atPath: run) where name.hasPrefix(".") {
        try FileManager.default.removeItem(atPath: "\(run)/\(name)")
      }
      let words = ["being trained by another process"]
      try temporaryFolder { other in
        try Tool.train.expectFailure(["--out", run, "--resume"], status: 64, mentioning: words, in: other)
        try Tool.train.expectFailure(tinyRun(run), status: 64, mentioning: words, in: other)
      }
      #expect(first.isRunning)
    }
  }

  @Test func pictureThatWasDueIsDrawnOnResume() throws {
    try temporaryFolder { folder in
      let run = "\(folder)/run"
      try train(tinyRun(run) + ["--sample-every", "4", "--tensorboard"], in: folder)
      let pictures = ["\(run)/samples/step-000004.png", "\(run)/samples/step-000008.png"]
      let before = pictures.map(contents)
      #expect(before.allSatisfy { $0 != nil })
      // As if it had been killed after the last checkpoint, and after the one before.
      try FileManager.default.removeItem(atPath: pictures[1])
      try train(["--out", run, "--resume", "--progress", "none"], in: folder)
      #expect(pictures.map(contents) == before)
      for path in ["\(run)/checkpoints/step-000008"] + pictures { try FileManager.default.removeItem(atPath: path) }
      try train(["--out", run, "--resume", "--progress", "none"], in: folder)
      #expect(pictures.map(contents) == before)
    }
  }

  @Test(arguments: [14, 21])
  func metricsAreTheSameAfterResumeBetweenTwoLines(_ step: Int) throws {
    try temporaryFolder { folder in
      let run = "\(folder)/run"
      let options = tinyRun(run, steps: 25, checkpointEvery: 7)
      try train(options, in: folder)
      let (metrics, curve) = (try losses(run), contents("\(run)/loss.png"))
      #expect(metrics.map { $0["step"] as? Int } == [10, 20, 25])
      // Back to an earlier checkpoint.
      for later in [21, 25] where later > step {
        try FileManager.default.removeItem(atPath: "\(run)/checkpoints/step-0000\(later)")
      }
      try train(options + ["--resume"], in: folder)
      let after = try losses(run)
      #expect(NSArray(array: metrics) == NSArray(array: after))
      #expect(contents("\(run)/loss.png") == curve)
    }
  }

  /// The lines of metrics without the speed.
  private func losses(_ run: String) throws -> [[String: Any]] {
    let lines = try #require(contents("\(run)/metrics.jsonl")).split(separator: UInt8(ascii: "\n"))
    return try lines.map { line in
      var json = try #require(try JSONSerialization.jsonObject(with: line) as? [String: Any])
      #expect(json.removeValue(forKey: "examples-per-second") != nil)
      return json
    }
  }

  @Test func whatKilledTrainersLeftIsRemoved() throws {
    try temporaryFolder { folder in
      let run = "\(folder)/run"
      try train(tinyRun(run) + ["--sample-every", "4"], in: folder)
      // The number of a process that has ended, and that of one that is there.
      let ended = try Tool.train.start(["--help"], in: folder)
      ended.wait()
      let left = [
        "config.json", "loss.png", "samples/step-000004.png", "checkpoints/step-000012", "checkpoints/latest",
      ]
      .map { "\(run)/\($0).partial-\(ended.processIdentifier)" }
      let busy = "\(run)/loss.png.partial-\(getpid())"
      for path in left + [busy] { try AtomicFile.createFolder(path) }
      try train(["--out", run, "--resume", "--progress", "none"], in: folder)
      for path in left { #expect(!FileManager.default.fileExists(atPath: path), "\(path)") }
      #expect(FileManager.default.fileExists(atPath: busy))
    }
  }

  @Test func whatIsNoFileIsRefusedWhereverAFileIsExpected() throws {
    try temporaryFolder { folder in
      let run = "\(folder)/run"
      try train(tinyRun(run), in: folder)
      let newest = "\(run)/checkpoints/step-000008"
      for (name, tool, arguments) in [
        ("\(newest)/state.json", Tool.sample, [run, "--out", "\(folder)/a.png"]),
        ("\(newest)/state.crc32", .evaluate, [run]),
        ("\(newest)/model.safetensors", .sample, [run, "--out", "\(folder)/a"]),
        ("\(newest)/ema.safetensors", .export, [run, "--out", "\(folder)/pipeline"]),
        ("\(newest)/optimizer.safetensors", .train, ["--out", run, "--resume"]),
        ("\(run)/config.json", .train, ["--out", run, "--resume"]),
        ("\(run)/metrics.jsonl", .train, ["--out", run, "--resume"]),
      ] {
        let original = try #require(contents(name))
        for makeOther in [
          { #expect(mkfifo(name, 0o600) == 0) },
          { try FileManager.default.createSymbolicLink(atPath: name, withDestinationPath: "/dev/zero") },
        ] {
          try FileManager.default.removeItem(atPath: name)
          try makeOther()
          try tool.expectFailure(arguments, status: 74, mentioning: [name, "neither a file nor a folder"], in: folder)
        }
        try FileManager.default.removeItem(atPath: name)
        try original.write(to: URL(fileURLWithPath: name))
      }
    }
  }

  @Test func grownFilesAreRefusedBeforeTheyAreRead() throws {
    try temporaryFolder { folder in
      let run = "\(folder)/run"
      try train(tinyRun(run), in: folder)
      for name in ["ema.safetensors", "state.json"] {
        let path = "\(run)/checkpoints/step-000008/\(name)"
        let original = try #require(contents(path))
        #expect(truncate(path, 20 << 30) == 0)
        try Tool.sample.expectFailure(
          [run, "--out", "\(folder)/a.png"], status: 65, mentioning: ["step-000008", name, "bytes", "step-000004"],
          in: folder, shell: "ulimit -v 6000000")
        try original.write(to: URL(fileURLWithPath: path))
      }
      #expect(truncate("\(run)/config.json", 20 << 30) == 0)
      try Tool.train.expectFailure(
        ["--out", run, "--resume"], status: 65, mentioning: ["config.json", "far more than it needs"], in: folder,
        shell: "ulimit -v 6000000")
    }
  }
}
