import Foundation
import TestSupport
import Testing

@Suite struct WrongInputTests {
  private func expectTrainingFails(
    _ options: [String], status: Int32, mentioning words: [String], sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    try temporaryFolder { folder in
      try Tool.train.expectFailure(
        ["--out", "\(folder)/run"] + options, status: status, mentioning: words, in: folder,
        sourceLocation: sourceLocation)
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/run"), sourceLocation: sourceLocation)
    }
  }

  @Test(arguments: [
    (["--data", "digits", "--steps", "-3"], "--steps"), (["--data", "digits", "--steps", "many"], "many"),
    (["--data", "digits", "--batch-size", "0"], "--batch-size"),
    (["--data", "digits", "--learning-rate", "-1"], "--learning-rate"),
    (["--data", "digits", "--learning-rate", "nan"], "--learning-rate"),
    (["--data", "digits", "--sparsity", "1"], "--sparsity"),
    (["--data", "digits", "--sparsity", "-0.1"], "--sparsity"),
    (["--data", "digits", "--penalty-weight", "-1", "--conservative", "penalty"], "--penalty-weight"),
    (["--data", "digits", "--penalty-weight", "3"], "--conservative penalty"),
    (["--data", "digits", "--projection-every", "0", "--conservative", "projection"], "--projection-every"),
    (["--data", "digits", "--projection-every", "5", "--conservative", "energy"], "--conservative projection"),
    (["--data", "digits", "--sparsity", "0.5", "--conservative", "projection"], "--sparsity"),
    (["--data", "digits", "--ema", "1"], "--ema"), (["--data", "digits", "--channels", "8,,8"], "--channels"),
    (["--data", "digits", "--channels", "7"], "--channels"), (["--data", "digits", "--process", "vq"], "sub-vp"),
    (["--data", "digits", "--colour", "red"], "--colour"), (["--data", "digits", "--device", "tpu"], "--device"),
    (["--data", "digits", "--model", "mlp", "--channels", "8"], "--channels"),
    (["--data", "moons", "--model", "unet"], "--model unet"), ([], "--data"),
    (["--data", "digits", "--width", "32"], "--width"), (["--data", "checkerboard", "--class-conditional"], "labels"),
    (["--data", ""], "--data"),
    (["--data", "digits", "--labels", "x"], "--labels"), (["--data", "moons", "--flip", "both"], "--flip"),
    (["--data", "moons", "--shift", "1"], "--shift"), (["--data", "digits", "--shift", "-1"], "--shift"),
    (["--data", "digits", "--shift", "8"], "smaller"),
    (["--data", "moons", "--objective", "sliced", "--weighting", "uncertainty"], "--objective denoising"),
    (["--data", "digits", "--weighting", "heavy"], "min-snr"), (["--data", "digits", "--loading", "slow"], "stream"),
  ])
  func wrongOptionsAreUsageErrors(_ options: [String], _ word: String) throws {
    try expectTrainingFails(options, status: 64, mentioning: [word])
  }

  @Test func missingCUDAIsAUsageError() throws {
    // Without visible devices CUDA is missing on every machine.
    try temporaryFolder { folder in
      try Tool.train.expectFailure(
        ["--data", "digits", "--out", "\(folder)/run", "--device", "cuda", "--steps", "1"], status: 64,
        mentioning: ["device cuda:0 is not available", "use --device cpu"], in: folder,
        environment: ["CUDA_VISIBLE_DEVICES": ""])
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/run"))
    }
  }

  @Test func unknownNameIsMissingInput() throws {
    try expectTrainingFails(["--data", "nothing-here"], status: 66, mentioning: ["nothing-here", "digits"])
  }

  @Test func fileThatIsNoDataIsRefused() throws {
    try temporaryFolder { folder in
      let file = "\(folder)/notes.txt"
      try Data("these are not images".utf8).write(to: URL(fileURLWithPath: file))
      try expectTrainingFails(["--data", file], status: 65, mentioning: [file])
    }
  }

  @Test func emptyFolderIsRefused() throws {
    try temporaryFolder { folder in
      try FileManager.default.createDirectory(atPath: "\(folder)/empty", withIntermediateDirectories: true)
      try expectTrainingFails(["--data", "\(folder)/empty"], status: 65, mentioning: ["\(folder)/empty"])
    }
  }

  @Test func outputThatCannotBeWrittenIsAnInputOutputError() throws {
    try temporaryFolder { folder in
      try Data().write(to: URL(fileURLWithPath: "\(folder)/file"))
      try Tool.train.expectFailure(
        tinyRun("\(folder)/file/run"), status: 74, mentioning: ["\(folder)/file"], in: folder)
    }
  }

  @Test func missingMemoryIsOneSentence() throws {
    try temporaryFolder { folder in
      try Tool.train.expectFailure(
        [
          "--data", "digits", "--out", "\(folder)/run", "--batch-size", "1000000", "--threads", "1", "--progress",
          "none",
        ],
        status: 70, mentioning: ["not enough memory", "--batch-size"], in: folder, shell: "ulimit -v 6000000")
    }
  }

  @Test func divergenceIsReportedAndTheRunCanBeStartedAgain() throws {
    try temporaryFolder { folder in
      let run = "\(folder)/run"
      try Tool.train.expectFailure(
        tinyRun(run) + ["--learning-rate", "1e300", "--warmup", "0"], status: 65,
        mentioning: ["step 1", "learning rate"],
        in: folder)
      #expect(try Tool.train.run(tinyRun(run), in: folder).status == 0)
    }
  }

  @Test func resumedRunKeepsItsOptionsAndItsData() throws {
    try temporaryFolder { folder in
      let run = "\(folder)/run"
      #expect(try Tool.train.run(tinyRun(run), in: folder).status == 0)
      let resume = ["--out", run, "--resume"]
      try Tool.train.expectFailure(resume + ["--steps", "5"], status: 64, mentioning: ["--steps", "8"], in: folder)
      try Tool.train.expectFailure(
        resume + ["--config", "\(folder)/none.json"], status: 66, mentioning: ["none.json"], in: folder)
      let file = URL(fileURLWithPath: "\(run)/config.json")
      let text = try String(contentsOf: file, encoding: .utf8)
      for (old, new, status, words) in [
        ("\"ema\" : 0.995", "\"ema\" : 0.9", 65, ["step-000008", "with another --ema", "config.json"]),
        ("\"digits\"", "\"moons\"", 64, ["--model unet", "moons holds points"]),
      ] {
        #expect(text.contains(old))
        try Data(text.replacingOccurrences(of: old, with: new).utf8).write(to: file)
        try Tool.train.expectFailure(resume, status: Int32(status), mentioning: words, in: folder)
      }
      try Data(text.utf8).write(to: file)
      // A folder that another process trains in is left alone.
      let other = try Tool.train.start(resume + ["--steps", "100000", "--progress", "none"], in: folder)
      while (try? String(contentsOf: file, encoding: .utf8).contains("100000")) != true, other.isRunning {
        usleep(20_000)
      }
      try Tool.train.expectFailure(resume, status: 64, mentioning: [run, "another process"], in: folder)
      other.send(SIGKILL)
      other.wait()
    }
  }

  @Test func existingRunIsNotOverwritten() throws {
    try temporaryFolder { folder in
      let run = "\(folder)/run"
      #expect(try Tool.train.run(tinyRun(run), in: folder).status == 0)
      try Tool.train.expectFailure(tinyRun(run), status: 64, mentioning: [run, "--resume"], in: folder)
      try Tool.train.expectFailure(
        ["--out", run, "--resume", "--batch-size", "9"], status: 64, mentioning: ["--batch-size"], in: folder)
    }
  }

  @Test func configurationFilesAreChecked() throws {
    try temporaryFolder { folder in
      let file = "\(folder)/config.json"
      for (text, word) in [
        ("{", "JSON"), ("{\"stepz\": 3}", "stepz"), ("{\"steps\": \"three\"}", "steps"),
        ("{\"process\": \"x\"}", "process"),
      ] {
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        try Tool.train.expectFailure(
          ["--data", "digits", "--out", "\(folder)/run", "--config", file], status: 65, mentioning: [file, word],
          in: folder)
      }
      try Tool.train.expectFailure(
        ["--data", "digits", "--out", "\(folder)/run", "--config", "\(folder)/none.json"], status: 66,
        mentioning: ["none.json"], in: folder)
    }
  }

  @Test func resumingNothingIsMissingInput() throws {
    try temporaryFolder { folder in
      try Tool.train.expectFailure(
        ["--out", "\(folder)/none", "--resume"], status: 66, mentioning: ["\(folder)/none"], in: folder)
    }
  }

  @Test(arguments: [
    (["--steps", "0"], "--steps"), (["--count", "0"], "--count"), (["--columns", "-1"], "--columns"),
    (["--seed", "9-3"], "9-3"), (["--seed", "1,x"], "1,x"), (["--seed", "0-3", "--count", "5"], "--count"),
    (["--batch-size", "0"], "--batch-size"), (["--sampler", "magic"], "magic"),
    (["--sampler", "euler", "--churn", "1"], "--churn"), (["--guidance", "inf"], "--guidance"),
    (["--sampler", "heun", "--steps-per-level", "3"], "--steps-per-level"),
    (["--sampler", "mala", "--steps-per-level", "0"], "--steps-per-level"),
    (["--sampler", "ode", "--schedule", "karras"], "--schedule"), (["--schedule", "steep"], "--schedule"),
    (["--sampler", "langevin", "--sigma-max", "1"], "--sigma-max"), (["--sigma-min", "0"], "--sigma-min"),
    (["--sampler", "heun", "--eta", "1"], "--eta"), (["--sampler", "ddim", "--eta", "2"], "η"),
    (["--sampler", "dpmpp-2m-sde", "--eta", "-1"], "--eta"), (["--tolerance", "1e-3"], "--tolerance"),
    (["--sampler", "ode", "--tolerance", "0"], "--tolerance"), (["--step-size", "0.1"], "--step-size"),
    (["--sampler", "langevin", "--step-size", "2"], "step size"), (["--noise-level", "1"], "--noise-level"),
    (["--sampler", "langevin", "--noise-level", "0"], "--noise-level"),
    (["--threads", "0"], "--threads"), (["--device", "abacus"], "--device"),
  ])
  func wrongSamplingOptionsAreUsageErrors(_ options: [String], _ word: String) throws {
    try temporaryFolder { folder in
      try Tool.sample.expectFailure(
        [folder, "--out", "\(folder)/a.png"] + options, status: 64, mentioning: [word], in: folder)
    }
  }

  @Test(arguments: [
    (["--sampler", "euler", "--churn", "1"], "--churn belongs to the sampler heun, not to euler"),
    (["--sampler", "ode", "--schedule", "karras"], "--schedule does not belong to the samplers ode and langevin"),
    (["--sampler", "langevin", "--sigma-min", "1"], "--sigma-min does not belong to the sampler langevin"),
    (
      ["--sampler", "ancestral", "--eta", "1"],
      "--eta belongs to the samplers ddim, dpmpp-2m-sde and dpmpp-3m-sde, not to ancestral"
    ),
    (
      ["--sampler", "heun", "--steps-per-level", "2"],
      "--steps-per-level belongs to the samplers annealed-langevin and mala, not to heun"
    ),
  ])
  func optionsOfOtherSamplersAreRefused(_ options: [String], _ sentence: String) throws {
    try temporaryFolder { folder in
      try Tool.sample.expectFailure(
        [folder, "--out", "\(folder)/a.png"] + options, status: 64, mentioning: [sentence], in: folder)
    }
  }

  @Test func missingRunIsMissingInput() throws {
    try temporaryFolder { folder in
      for path in ["\(folder)/none", folder] {
        try Tool.sample.expectFailure([path, "--out", "\(folder)/a.png"], status: 66, mentioning: [path], in: folder)
      }
    }
  }

  @Test func theToolsShareTheOptionsOfTheDevice() throws {
    try temporaryFolder { folder in
      let tools: [(Tool, [String])] = [
        (.train, ["--data", "digits", "--out", "\(folder)/run"]), (.sample, [folder, "--out", "\(folder)/a.png"]),
        (.evaluate, [folder]),
      ]
      for (tool, options) in tools {
        for (wrong, sentence) in [
          (["--device", "tpu"], "--device needs auto, cpu, cuda, cuda:N or mps, not tpu"),
          (["--threads", "257"], "--threads needs a whole number from 1 to 256, not 257"),
        ] {
          try tool.expectFailure(
            options + wrong, status: 64, mentioning: ["error: \(sentence); see \(tool.name) --help"], in: folder)
        }
        let help = try tool.run(["--help"], in: folder).output
        #expect(help.contains("  --device <name>         auto, cpu, cuda, cuda:N or mps. (default: auto)\n"))
        #expect(help.contains("  --threads <n>           The number of threads on the processor."))
      }
    }
  }

  @Test func helpListsTheOptionsAndSucceeds() throws {
    try temporaryFolder { folder in
      for (tool, options) in [
        (Tool.train, ["--data", "--resume", "--process", "--conservative"]),
        (Tool.sample, ["--sampler", "--seed", "--npy"]),
        (Tool.evaluate, ["--data", "--noise-levels", "--no-likelihood", "--json"]),
      ] {
        let result = try tool.run(["--help"], in: folder)
        #expect(result.status == 0)
        for option in options { #expect(result.output.contains(option)) }
      }
    }
  }
}
