import Files
import Foundation
import TestSupport
import Testing
import Torch

@Suite(.serialized) struct ResumeTests {
  private static let files = ["model", "ema", "optimizer"].map { "\($0).safetensors" }

  private func expectSameWeights(_ first: String, _ second: String, step: String) {
    for file in Self.files {
      let (one, two) = (
        contents("\(first)/checkpoints/\(step)/\(file)"), contents("\(second)/checkpoints/\(step)/\(file)")
      )
      #expect(one != nil)
      #expect(one == two, "\(file) differs")
    }
  }

  /// How far a run has come by what is on the disk: steps, 0 for none.
  private struct Progress {
    /// The last step in the metrics, of which every tenth step writes a line.
    let recorded: Int
    /// The step of the newest checkpoint.
    let saved: Int

    init(of run: String) {
      recorded = 10 * (contents("\(run)/metrics.jsonl") ?? Data()).count { $0 == UInt8(ascii: "\n") }
      let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(run)/checkpoints")) ?? []
      saved = names.compactMap { $0.hasPrefix("step-") ? Int($0.dropFirst(5)) : nil }.max() ?? 0
    }
  }

  private enum Moment {
    case beforeTheFirstCheckpoint, rightAfterACheckpoint, betweenCheckpoints

    func isReached(_ now: Progress, since start: Progress) -> Bool {
      switch self {
      case .beforeTheFirstCheckpoint: now.recorded > 0 && now.saved == 0
      case .rightAfterACheckpoint: now.saved > start.saved && now.recorded == now.saved
      case .betweenCheckpoints: now.saved > 0 && now.recorded > now.saved
      }
    }
  }

  /// Kills a process at a moment of its training; whether it was still running then.
  private func killProcess(_ process: RunningProgram, training run: String, at moment: Moment, since start: Progress)
    -> Bool
  {
    while process.isRunning {
      if moment.isReached(Progress(of: run), since: start) {
        // Held while it is looked at again, so that it dies at this moment however slow this process is.
        process.send(SIGSTOP)
        if moment.isReached(Progress(of: run), since: start) { process.send(SIGKILL) }
        process.send(SIGCONT)
      }
      usleep(1000)
    }
    return process.wait().ending == .signal(SIGKILL) && moment.isReached(Progress(of: run), since: start)
  }

  @Test func runKilledBeforeBetweenAndAfterCheckpointsEndsWithTheSameBytes() throws {
    try temporaryFolder { folder in
      let (whole, killed) = ("\(folder)/whole", "\(folder)/killed")
      let result = try Tool.train.run(tinyRun(whole, steps: 100, checkpointEvery: 20), in: folder)
      #expect(result.status == 0, "\(result.errors)")
      // Each kill costs the steps since the checkpoint before it: the run has steps left for all.
      let moments: [Moment] = [
        .beforeTheFirstCheckpoint, .rightAfterACheckpoint, .betweenCheckpoints, .rightAfterACheckpoint,
        .betweenCheckpoints,
      ]
      for moment in moments {
        let start = Progress(of: killed)
        let process = try Tool.train.start(
          tinyRun(killed, steps: 100, checkpointEvery: 20) + (start.recorded > 0 ? ["--resume"] : []), in: folder)
        let isKilled = killProcess(process, training: killed, at: moment, since: start)
        try #require(isKilled, "the run was not killed \(moment)")
      }
      #expect((20..<100).contains(Progress(of: killed).saved))
      let last = try Tool.train.run(tinyRun(killed, steps: 100, checkpointEvery: 20) + ["--resume"], in: folder)
      #expect(last.status == 0, "\(last.errors)")
      expectSameWeights(whole, killed, step: "step-000100")
      // Every tenth step is reported once.
      let text = String(decoding: contents("\(killed)/metrics.jsonl") ?? Data(), as: UTF8.self)
      let steps = text.matches(of: /"step":(\d+)/).compactMap { Int($0.1) }
      #expect(steps == Array(stride(from: 10, through: 100, by: 10)))
      let names = try FileManager.default.contentsOfDirectory(atPath: "\(killed)/checkpoints")
      #expect(Set(names) == ["latest", "step-000060", "step-000080", "step-000100"])
    }
  }

  @Test func interruptWritesACheckpointToResumeFrom() throws {
    try temporaryFolder { folder in
      let (whole, stopped) = ("\(folder)/whole", "\(folder)/stopped")
      // A constant learning rate: the lengths of the runs may differ.
      let options = ["--decay", "constant", "--warmup", "0"]
      let process = try Tool.train.start(
        tinyRun(stopped, steps: 3000, checkpointEvery: 3000) + options, in: folder)
      while !FileManager.default.fileExists(atPath: "\(stopped)/metrics.jsonl"), process.isRunning { usleep(20_000) }
      process.send(SIGINT)
      #expect(process.wait().ending == .exit(130))
      let names = try FileManager.default.contentsOfDirectory(atPath: "\(stopped)/checkpoints")
      let steps = try #require(names.compactMap { Int($0.dropFirst(5)) }.max()) + 5
      let rest = try Tool.train.run(["--out", stopped, "--resume", "--steps", "\(steps)"], in: folder)
      #expect(rest.status == 0, "\(rest.errors)")
      let all = try Tool.train.run(tinyRun(whole, steps: steps, checkpointEvery: 3000) + options, in: folder)
      #expect(all.status == 0, "\(all.errors)")
      let digits = String(repeating: "0", count: 6 - "\(steps)".count) + "\(steps)"
      expectSameWeights(whole, stopped, step: "step-\(digits)")
    }
  }

  @Test func damagedCheckpointIsRefusedAndTheOneBeforeNamed() throws {
    try temporaryFolder { folder in
      let run = "\(folder)/run"
      #expect(try Tool.train.run(tinyRun(run), in: folder).status == 0)
      let newest = "\(run)/checkpoints/step-000008"
      for file in Self.files + ["state.json"] {
        let path = "\(newest)/\(file)"
        let original = try #require(contents(path))
        var flipped = original
        flipped[flipped.count / 2] ^= 1
        for bytes in [flipped, original.prefix(original.count / 2), Data()] {
          try bytes.write(to: URL(fileURLWithPath: path))
          let words = ["step-000008", "step-000004", file == "state.json" ? "state.json" : file]
          try Tool.train.expectFailure(
            ["--out", run, "--resume", "--steps", "12"], status: 65, mentioning: words, in: folder)
          if file != "optimizer.safetensors" {
            try Tool.sample.expectFailure(
              [run, "--out", "\(folder)/a.png"], status: 65, mentioning: words, in: folder)
          }
        }
        try original.write(to: URL(fileURLWithPath: path))
      }
      #expect(contents("\(folder)/a.png") == nil)
      // What the sentence advises works.
      try FileManager.default.removeItem(atPath: newest)
      #expect(try Tool.train.run(["--out", run, "--resume", "--progress", "none"], in: folder).status == 0)
    }
  }

  @Test func checkpointOfAnotherModelIsRefused() throws {
    try temporaryFolder { folder in
      let (one, two) = ("\(folder)/one", "\(folder)/two")
      #expect(try Tool.train.run(tinyRun(one), in: folder).status == 0)
      #expect(try Tool.train.run(tinyRun(two) + ["--channels", "8,16"], in: folder).status == 0)
      try FileManager.default.removeItem(atPath: "\(one)/checkpoints")
      try FileManager.default.copyItem(atPath: "\(two)/checkpoints", toPath: "\(one)/checkpoints")
      try Tool.train.expectFailure(
        ["--out", one, "--resume"], status: 65, mentioning: ["step-000008", "or model", "--channels"], in: folder)
    }
  }

  @Test func fullDiskLosesNothing() throws {
    try temporaryFolder { folder in
      let run = "\(folder)/run"
      #expect(try Tool.train.run(tinyRun(run), in: folder).status == 0)
      let before = try FileManager.default.contentsOfDirectory(atPath: "\(run)/checkpoints").sorted()
      // Files may not grow beyond 4 blocks of 512 bytes: the next checkpoint fails half-way.
      try Tool.train.expectFailure(
        ["--out", run, "--resume", "--steps", "12", "--progress", "none"], status: 74,
        mentioning: ["cannot write", "step-000012"], in: folder, shell: "ulimit -f 4")
      #expect(try FileManager.default.contentsOfDirectory(atPath: "\(run)/checkpoints").sorted() == before)
      #expect(try Tool.sample.run([run, "--out", "\(folder)/a.png", "--count", "1"], in: folder).status == 0)
    }
  }
}
