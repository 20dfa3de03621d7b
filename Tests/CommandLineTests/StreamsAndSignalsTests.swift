import Foundation
import TestSupport
import Testing

/// What tools do with their streams, their names and signals.
@Suite struct StreamsAndSignalsTests {
  private func withRun(_ body: (_ folder: String, _ run: String) throws -> Void) throws {
    try temporaryFolder { folder in
      let run = "\(folder)/run"
      let result = try Tool.train.run(tinyRun(run), in: folder)
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output == "\(run)\n")
      try body(folder, run)
    }
  }

  @Test func filesOfAnyNameAreWritten() throws {
    try withRun { folder, run in
      for name in ["x", "-", "1", "é"] {
        let options = name == "x" ? ["--npy", "n", "--trajectory", "t", "--animation", "a"] : []
        let result = try Tool.sample.run(
          [run, "--out=\(name)", "--count", "1", "--progress", "none"] + options, in: folder)
        #expect(result.status == 0, "\(result.errors)")
        #expect(contents("\(folder)/\(name)")?.starts(with: [0x89, 0x50, 0x4E, 0x47]) == true)
      }
      for name in ["n", "t", "a"] { #expect(contents("\(folder)/\(name)") != nil) }
      try Tool.sample.expectFailure(
        [run, "--out", "b/", "--count", "1"], status: 64, mentioning: ["b/ is a folder"], in: folder)
    }
  }

  @Test func whatCannotBePrintedIsAFailure() throws {
    try withRun { folder, run in
      let sample = [run, "--count", "1", "--progress", "none", "--out"]
      let commands: [(Tool, [String])] = [
        (.evaluate, [run, "--count", "8", "--no-likelihood", "--json", "--progress", "none"]),
        (.evaluate, [run, "--count", "8", "--no-likelihood", "--progress", "none"]),
        (.sample, sample + ["\(folder)/a.png"]), (.train, ["--out", run, "--resume"]),
        (.export, ["--help"]), (.train, ["--generate-completion-script", "bash"]),
      ]
      for (tool, arguments) in commands {
        for (shell, reason) in [
          ("exec >/dev/full", "no space left"), ("exec >&-", "bad file descriptor"),
        ] {
          try tool.expectFailure(
            arguments, status: 74, mentioning: ["cannot write standard output", reason], in: folder, shell: shell)
        }
      }
    }
  }

  @Test func standardOutputHoldsThePictureAlone() throws {
    try withRun { folder, run in
      for out in ["/dev/stdout", "\(folder)/plain.png"] {
        let result = try Tool.sample.run(
          [run, "--out", out, "--count", "1", "--progress", "none"], in: folder, shell: "exec >'\(folder)/out'")
        #expect(result.status == 0, "\(result.errors)")
      }
      _ = try Tool.sample.run(
        [run, "--out", "/dev/stdout", "--count", "1", "--progress", "none"], in: folder, shell: "exec >'\(folder)/out'")
      #expect(contents("\(folder)/out") == contents("\(folder)/plain.png"))
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "/dev/stdout") == "/proc/self/fd/1")
    }
  }

  #if os(Linux)
    @Test func processIsCalledAsItsTool() throws {
      try temporaryFolder { folder in
        let process = try Tool.train.start(tinyRun("\(folder)/run", steps: 100_000), in: folder)
        defer { process.send(SIGTERM) }
        while contents("\(folder)/run/metrics.jsonl") == nil, process.isRunning { usleep(20_000) }
        let name = try String(contentsOfFile: "/proc/\(process.processIdentifier)/comm", encoding: .utf8)
        #expect(name == "score-train\n")
      }
    }
  #endif

  @Test func signalsEndAToolBeforeTheWorkBegins() throws {
    try temporaryFolder { folder in
      // A pipe that somebody holds open and writes one byte to: the tool takes it and waits for the rest of its options.
      #expect(mkfifo("\(folder)/pipe", 0o600) == 0)
      let pipe = open("\(folder)/pipe", O_RDWR)
      defer { close(pipe) }
      #expect(write(pipe, "{", 1) == 1)
      let process = try Tool.train.start(
        tinyRun("\(folder)/run") + ["--config", "\(folder)/pipe"], in: folder)
      var unread = pollfd(fd: pipe, events: Int16(POLLIN), revents: 0)
      while poll(&unread, 1, 0) == 1, process.isRunning { usleep(20_000) }
      #expect(process.isRunning)
      process.send(SIGTERM)
      let result = process.wait()
      #expect(result.ending == .exit(130))
      #expect(result.errors == "stopped\n")
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/run"))
    }
  }

  @Test func optionsMayComeFromAPipe() throws {
    try temporaryFolder { folder in
      var options = tinyRun("\(folder)/run")
      let index = try #require(options.firstIndex(of: "--steps"))
      options.removeSubrange(index...(index + 1))
      let result = try Tool.train.run(
        options + ["--config", "/dev/stdin"], in: folder, input: "{\"steps\": 4}\n")
      #expect(result.status == 0, "\(result.errors)")
      #expect(contents("\(folder)/run/checkpoints/step-000004/state.json") != nil)
    }
  }

  @Test func quittingIsNoCrash() throws {
    try temporaryFolder { folder in
      let process = try Tool.train.start(
        tinyRun("\(folder)/run", steps: 100_000), in: folder, shell: "ulimit -c 0")
      while contents("\(folder)/run/metrics.jsonl") == nil, process.isRunning { usleep(20_000) }
      process.send(SIGQUIT)
      let result = process.wait()
      #expect(result.ending == .signal(SIGQUIT))
      #expect(result.errors.isEmpty)
    }
  }

  @Test func missingThreadsAreOneSentence() throws {
    try temporaryFolder { folder in
      // The stack of a thread takes more memory than there is.
      try Tool.train.expectFailure(
        ["--data", "moons", "--out", "\(folder)/run", "--threads", "2", "--device", "cpu"], status: 70,
        mentioning: ["cannot start 2 threads", "fewer"], in: folder, shell: "ulimit -s 16000000; ulimit -v 6000000")
    }
  }

  @Test(arguments: [
    ("kar", "--schedule needs karras, exponential, ", ", not kar (did you mean karras?); see score-sample --help"),
    ("/", "--schedule needs karras, exponential, ", " or linspace, not /; see score-sample --help"),
    ("a'b", "--schedule needs karras, ", ", not a'b; see score-sample --help"),
  ])
  func wrongNamesAreAnsweredInOneSentence(_ name: String, _ start: String, _ end: String) throws {
    try temporaryFolder { folder in
      let result = try Tool.sample.run(["run", "--out", "a.png", "--schedule", name], in: folder)
      #expect(result.status == 64)
      #expect(result.errors.hasPrefix("error: \(start)"), "\(result.errors)")
      #expect(result.errors.hasSuffix("\(end)\n"), "\(result.errors)")
      #expect(result.errors.count { $0 == "\n" } == 1)
    }
  }
}
