import Foundation
import Imaging
import ScoreKit
import TestSupport
import Testing

@Suite struct SamplingTests {
  @Test(arguments: [
    (["--class-conditional"], 64), (["--model", "mlp", "--width", "20", "--conservative", "energy"], 64),
    (["--data", "moons", "--model", "mlp", "--width", "20", "--conservative", "energy"], 2),
  ])
  func sameSeedsGiveTheSameBytesAtAnyBatchSize(_ options: [String], elements: Int) throws {
    try temporaryFolder { folder in
      let run = "\(folder)/run"
      var arguments = tinyRun(run)
      if options.contains("mlp"), let channels = arguments.firstIndex(of: "--channels") {
        arguments.removeSubrange(channels...(channels + 1))
      }
      let trained = try Tool.train.run(arguments + options, in: folder)
      #expect(trained.status == 0, "\(trained.errors)")
      func sample(_ name: String, _ options: [String]) throws -> (png: Data?, npy: Data?) {
        let result = try Tool.sample.run(
          [run, "--out", "\(folder)/\(name).png", "--npy", "\(folder)/\(name).npy", "--progress", "none"] + options,
          in: folder)
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output == "\(folder)/\(name).png\n")
        return (contents("\(folder)/\(name).png"), contents("\(folder)/\(name).npy"))
      }
      var samplers = [
        ["--sampler", "heun", "--steps", "4"], ["--sampler", "predictor-corrector", "--steps", "5"],
        ["--sampler", "dpmpp-3m-sde", "--steps", "5", "--schedule", "cosine"],
      ]
      if options.contains("mlp") { samplers.append(["--sampler", "ode", "--steps", "2", "--tolerance", "0.05"]) }
      if options.contains("energy") {
        samplers.append(["--sampler", "mala", "--steps", "3", "--steps-per-level", "4"])
      }
      for sampler in samplers {
        let all = try ["1", "7", "64"].map { try sample("b\($0)", sampler + ["--batch-size", $0]) }
        #expect(all[0].png != nil)
        #expect(all.allSatisfy { $0.png == all[0].png && $0.npy == all[0].npy })
        // Sample 5 of 64 is sample 5 of 16, and sample 0 of --seed 5.
        let (few, one) = (
          try sample("few", sampler + ["--count", "16"]), try sample("one", sampler + ["--seed", "5-5"])
        )
        let size = elements * 4
        func array(_ data: Data?, _ index: Int, count: Int) -> Data? {
          data.map { $0.suffix(count * size).dropFirst(index * size).prefix(size) }
        }
        #expect(array(all[0].npy, 5, count: 64) == array(few.npy, 5, count: 16))
        #expect(array(all[0].npy, 5, count: 64) == array(one.npy, 0, count: 1))
        #expect(array(all[0].npy, 5, count: 64) != array(all[0].npy, 6, count: 64))
      }
      // A checkpoint is self-contained.
      let latest = try Tool.sample.run(
        ["\(run)/checkpoints/latest", "--out", "\(folder)/latest.png", "--steps", "4"], in: folder)
      #expect(latest.status == 0, "\(latest.errors)")
      #expect(contents("\(folder)/latest.png") == (try sample("again", ["--steps", "4"]).png))
    }
  }

  /// Tensors of 64 pictures with 32 channels are large enough for the engine to share them among three threads.
  @Test(arguments: [2, 3])
  func samplesDoNotDependOnTheirPlaceAtAnyNumberOfThreads(_ threads: Int) throws {
    try temporaryFolder { folder in
      let run = "\(folder)/run"
      let trained = try Tool.train.run(tinyRun(run, steps: 2) + ["--channels", "32,8"], in: folder)
      #expect(trained.status == 0, "\(trained.errors)")
      func rows(seeds: [Int]) throws -> [Data] {
        let npy = "\(folder)/samples.npy"
        let result = try Tool.sample.run(
          [
            run, "--out", "\(folder)/samples.png", "--npy", npy, "--steps", "2", "--threads", "\(threads)", "--seed",
            seeds.map(String.init).joined(separator: ","), "--progress", "none",
          ], in: folder)
        #expect(result.status == 0, "\(result.errors)")
        let (data, size) = (contents(npy) ?? Data(), 64 * 4)
        let values = data.suffix(seeds.count * size)
        return seeds.indices.map { Data(values.dropFirst($0 * size).prefix(size)) }
      }
      let seeds = Array(0..<64)
      let samples = try rows(seeds: seeds)
      #expect(Set(samples).count == 64)
      #expect(try rows(seeds: seeds.reversed()) == samples.reversed())
    }
  }

  @Test func everySamplerDrawsImagesAndATrajectory() throws {
    try temporaryFolder { folder in
      let run = "\(folder)/run"
      #expect(try Tool.train.run(tinyRun(run), in: folder).status == 0)
      let samplers = try samplerNames(in: folder)
      #expect(samplers.count >= 14 && samplers.contains("annealed-langevin"), "\(samplers)")
      // The last one needs an energy: energyModelsAndPointsTrainAndSample.
      for sampler in samplers where sampler != "mala" {
        let result = try Tool.sample.run(
          [
            run, "--out", "\(folder)/\(sampler).png", "--trajectory", "\(folder)/\(sampler)-t.png", "--sampler",
            sampler,
            "--steps", "3", "--count", "10", "--columns", "5",
          ], in: folder)
        #expect(result.status == 0, "\(result.errors)")
        let grid = try Image(contentsOfPNG: "\(folder)/\(sampler).png")
        // Five columns of 64 pixels, each with 2 pixels of padding on its left, and one more on the right.
        #expect(grid.width == 332)
        #expect(grid.height == 134)
        #expect(grid.channels == 1)
        let trajectory = try Image(contentsOfPNG: "\(folder)/\(sampler)-t.png")
        // Eight samples, each a row of the states after every step; a Langevin sampler has more steps than columns.
        let columns = sampler == "annealed-langevin" ? 8 : sampler == "langevin" ? 4 : 3
        #expect(trajectory.width == columns * 66 + 2)
        #expect(trajectory.height == 530)
      }
      try Tool.sample.expectFailure(
        [run, "--out", "\(folder)/a.png", "--class", "3"], status: 64, mentioning: ["--class"], in: folder)
      try Tool.sample.expectFailure(
        [run, "--out", "\(folder)/a.png", "--guidance", "2"], status: 64, mentioning: ["--guidance"], in: folder)
      try Tool.sample.expectFailure(
        [run, "--out", "\(folder)/missing/a.png", "--steps", "1", "--count", "1"], status: 74,
        mentioning: ["\(folder)/missing/a.png"], in: folder)
    }
  }

  /// The names of samplers in the help.
  private func samplerNames(in folder: String) throws -> [String] {
    let help = try Tool.sample.run(["--help"], in: folder).output
      .split(whereSeparator: \.isWhitespace).joined(separator: " ")
    let list = try #require(help.firstMatch(of: /The algorithm\. \(values: ([^;]*);/)).output.1
    return list.split(separator: ", ").map(String.init)
  }

  /// The defaults are those of the library's samplers.
  @Test func theHelpTellsTheDefaultsOfTheSamplers() throws {
    try temporaryFolder { folder in
      let help = try Tool.sample.run(["--help"], in: folder).output
        .split(whereSeparator: \.isWhitespace).joined(separator: " ")
      // A value belongs to the names that follow it, up to the next value.
      for (option, value, name) in [
        ("steps", "18", "heun"), ("steps", "18", "the dpmpp samplers"), ("steps", "50", "ddim"),
        ("steps", "500", "euler-maruyama"), ("steps", "250", "ancestral"), ("steps", "250", "predictor-corrector"),
        ("steps", "of noise levels 100", "mala"), ("steps", "on the way 10", "ode"), ("eta", "0", "ddim"),
        ("eta", "1", "dpmpp-3m-sde"), ("step-size", "0.062", "annealed-langevin"), ("step-size", "0.3", "mala"),
        ("steps-per-level", "10", "mala"), ("schedule", "exponential", "mala"),
        ("schedule", "leading", "ancestral with the process ddpm"),
      ] {
        let pattern = "--\(option) <(?:(?! --).)*[ (]\(value) for (?:(?![0-9.]+ for)[^;()])*\\b\(name)\\b"
        #expect(help.contains(try Regex(pattern)), "--\(option): \(value) for \(name)")
      }
      for sentence in [
        "allows in a step. (default: 1e-5)", "The noise level of langevin. (default: 0.2)", "(default: karras; ",
      ] {
        #expect(help.contains(sentence), "\(sentence)")
      }
    }
  }

  @Test func energyModelsAndPointsTrainAndSample() throws {
    try temporaryFolder { folder in
      let common = ["--steps", "4", "--threads", "1", "--batch-size", "16", "--progress", "none"]
      let runs = [
        ("energy", ["--data", "digits", "--conservative", "energy", "--channels", "8", "--blocks", "1"]),
        ("points", ["--data", "moons", "--width", "16", "--blocks", "1", "--process", "vp"]),
        ("vector", ["--data", "digits", "--model", "mlp", "--width", "16", "--process", "ve"]),
        ("sub", ["--data", "spirals", "--width", "16", "--process", "sub-vp", "--class-conditional"]),
      ]
      for (name, options) in runs {
        let run = "\(folder)/\(name)"
        let result = try Tool.train.run(["--out", run] + options + common, in: folder)
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output == "\(run)\n")
        #expect((try? Image(contentsOfPNG: "\(run)/samples/step-000004.png")) != nil)
        #expect((try? Image(contentsOfPNG: "\(run)/loss.png")) != nil)
        let drawn = try Tool.sample.run(
          [run, "--out", "\(folder)/\(name).png", "--count", "20", "--steps", "3"], in: folder)
        #expect(drawn.status == 0, "\(drawn.errors)")
        if name == "energy" { try checkMetropolis(run, in: folder) }
      }
      for run in ["\(folder)/points", "\(folder)/sub"] {
        try Tool.sample.expectFailure(
          [run, "--out", "\(folder)/refused.png", "--sampler", "mala"], status: 64,
          mentioning: ["energy", "--conservative energy"], in: folder)
      }
      #expect(contents("\(folder)/refused.png") == nil)
    }
  }

  /// The picture is drawn and the rate of acceptance is told, on standard error and not where progress is not wanted.
  private func checkMetropolis(_ run: String, in folder: String) throws {
    let arguments = [
      run, "--out", "\(folder)/mala.png", "--count", "20", "--steps", "4", "--sampler", "mala", "--batch-size", "15",
    ]
    let drawn = try Tool.sample.run(arguments, in: folder)
    #expect(drawn.status == 0 && drawn.output == "\(folder)/mala.png\n", "\(drawn.errors)")
    // 4 levels of 10 steps.
    #expect(drawn.errors.contains("step 40/40  acceptance "), "\(drawn.errors)")
    let summary = try #require(drawn.errors.split(separator: "\n").last)
    let words = summary.split(separator: " ")
    #expect(summary.hasPrefix("accepted ") && summary.hasSuffix("at the last noise level 0.002"), "\(summary)")
    let rates = words.compactMap { Double($0) }
    #expect(rates.count == 3 && rates.allSatisfy { $0 > 0 && $0 <= 100 }, "\(summary)")
    let other = try Tool.sample.run(arguments + ["--steps-per-level", "1"], in: folder)
    #expect(other.errors.contains("step 4/4"), "\(other.errors)")
    let quiet = try Tool.sample.run(arguments + ["--progress", "none"], in: folder)
    #expect(quiet.status == 0 && quiet.errors.isEmpty)
  }

  @Test func drawnSamplesDependOnWeightsAndClass() throws {
    try temporaryFolder { folder in
      let run = "\(folder)/run"
      #expect(try Tool.train.run(tinyRun(run) + ["--class-conditional"], in: folder).status == 0)
      var pictures: [Data] = []
      for options in [
        [], ["--raw-weights"], ["--class", "3"], ["--guidance", "3"], ["--seed", "100"], ["--churn", "10"],
      ] {
        let path = "\(folder)/\(pictures.count).png"
        let result = try Tool.sample.run([run, "--out", path, "--steps", "4", "--count", "8"] + options, in: folder)
        #expect(result.status == 0, "\(result.errors)")
        pictures.append(try #require(contents(path)))
      }
      #expect(Set(pictures).count == pictures.count)
    }
  }
}

/// Samples of points, and the data beneath them.
@Suite struct PointPictureTests {
  @Test func pointsLieOverTheDataWhileTheseAreThere() throws {
    try temporaryFolder { folder in
      var generator = RandomGenerator(seed: 1)
      let data = "\(folder)/points.npy"
      try NPYFile.write(generator.normal([500, 2]), to: data)
      let options = ["--steps", "4", "--threads", "1", "--batch-size", "16", "--width", "16", "--progress", "none"]
      let trained = try Tool.train.run(["--data", data, "--out", "\(folder)/run"] + options, in: folder)
      #expect(trained.status == 0, "\(trained.errors)")
      func draw(_ name: String) throws -> Image {
        let arguments = ["\(folder)/run", "--out", "\(folder)/\(name).png", "--count", "20", "--steps", "2"]
        let drawn = try Tool.sample.run(arguments, in: folder)
        #expect(drawn.status == 0, "\(drawn.errors)")
        return try Image(contentsOfPNG: "\(folder)/\(name).png")
      }
      let over = try draw("over")
      #expect(try SavedModel(contentsOf: "\(folder)/run").trainingPoints()?.shape == [500, 2])
      // Other data in their place are not those of the training.
      try NPYFile.write(generator.normal([500, 2]), to: data)
      #expect(try SavedModel(contentsOf: "\(folder)/run").trainingPoints() == nil)
      let changed = try draw("changed")
      try FileManager.default.removeItem(atPath: data)
      let alone = try draw("alone")
      #expect(over != alone && changed == alone)
    }
  }
}

/// Samples of which a part is known.
@Suite struct InpaintingTests {
  @Test func knownPixelsStayByteForByte() throws {
    try temporaryFolder { folder in
      #expect(try Tool.train.run(tinyRun("\(folder)/run"), in: folder).status == 0)
      // A mask of its own: everything but a frame of one pixel is drawn anew.
      let frame = (0..<64).map { UInt8((1..<7).contains($0 / 8) && (1..<7).contains($0 % 8) ? 255 : 0) }
      try Image(width: 8, height: 8, channels: 1, pixels: frame).write(toPNG: "\(folder)/frame.png")
      let digits = try Dataset.digits().examples
      func check(_ mask: String, _ sampler: String, isKnown: (Int) -> Bool) throws {
        let drawn = try Tool.sample.run(
          [
            "\(folder)/run", "--out", "\(folder)/a.npy", "--inpaint", "digits", "--mask", mask, "--seed", "5-8",
            "--sampler",
            sampler, "--steps", "3",
          ], in: folder)
        #expect(drawn.status == 0, "\(drawn.errors)")
        let bytes = Pixels.bytes(of: try NPYFile.read("\(folder)/a.npy")).elements(as: UInt8.self)
        let expected = digits[5..<9].elements(as: UInt8.self)
        let (known, drawnAnew) = (bytes.indices.filter { isKnown($0 % 64) }, bytes.indices.filter { !isKnown($0 % 64) })
        #expect(known.allSatisfy { bytes[$0] == expected[$0] }, "\(mask)")
        #expect(drawnAnew.contains { bytes[$0] != expected[$0] }, "\(mask)")
      }
      try check("right", "heun") { $0 % 8 < 4 }
      try check("top", "annealed-langevin") { $0 / 8 >= 4 }
      try check("\(folder)/frame.png", "ode") { frame[$0] == 0 }
      for (arguments, status, words) in [
        (["--inpaint", "moons"], 65, ["8 × 8", "moons"]), (["--mask", "left"], 64, ["--inpaint"]),
        (["--colorize", "digits"], 64, ["RGB"]), (["--inpaint", "\(folder)/none.png"], 66, ["none.png"]),
        (["--inpaint", "digits", "--mask", "\(folder)/none.png"], 66, ["none.png"]),
        (["--inpaint", "digits", "--colorize", "digits"], 64, ["exclude"]),
      ] as [([String], Int32, [String])] {
        try Tool.sample.expectFailure(
          ["\(folder)/run", "--out", "\(folder)/b.png"] + arguments, status: status, mentioning: words, in: folder)
      }
    }
  }

  @Test func thePictureShowsWhatWasKeptBesideWhatWasDrawn() throws {
    try temporaryFolder { folder in
      #expect(try Tool.train.run(tinyRun("\(folder)/run"), in: folder).status == 0)
      func draw(_ name: String, _ options: [String]) throws -> Image {
        let arguments = ["\(folder)/run", "--out", "\(folder)/\(name).png", "--count", "4", "--steps", "2"]
        let drawn = try Tool.sample.run(arguments + ["--magnify", "squares"] + options, in: folder)
        #expect(drawn.status == 0, "\(drawn.errors)")
        return try Image(contentsOfPNG: "\(folder)/\(name).png")
      }
      let plain = try draw("plain", [])
      let pair = try draw("pair", ["--inpaint", "digits", "--mask", "right"])
      #expect(pair.width == 2 * plain.width + 3 * 10 && pair.height > plain.height + 2 * 10 + 12)
      // The left half of the first digit is in both grids, the right half is grey in the one of kept parts.
      let row = pair.height - 10 - plain.height + 2 + 32
      func pixels(_ columns: Range<Int>, grid: Int) -> [UInt8] {
        columns.map { pair.pixels[(row * pair.width + 10 + grid * (plain.width + 10) + 2 + $0) * 3] }
      }
      #expect(pixels(0..<32, grid: 0) == pixels(0..<32, grid: 1))
      #expect(pixels(32..<64, grid: 0).allSatisfy { $0 == 128 } && pixels(32..<64, grid: 1).contains { $0 != 128 })
    }
  }

  @Test func imagesOfUnknownClassAreContinuedWithoutOne() throws {
    try temporaryFolder { folder in
      let trained = try Tool.train.run(tinyRun("\(folder)/run") + ["--class-conditional"], in: folder)
      #expect(trained.status == 0, "\(trained.errors)")
      let digits = Pixels.values(of: try Dataset.digits().examples[0..<4])
      try NPYFile.write(digits.clamped(to: 0...1), to: "\(folder)/digits.npy")
      func draw(_ source: String, _ options: [String]) throws -> Data? {
        let drawn = try Tool.sample.run(
          ["\(folder)/run", "--out", "\(folder)/a.npy", "--inpaint", source, "--count", "4", "--steps", "2"] + options,
          in: folder)
        #expect(drawn.status == 0, "\(drawn.errors)")
        return contents("\(folder)/a.npy")
      }
      // A weight of 0 leaves no class.
      #expect(try draw("\(folder)/digits.npy", []) == draw("\(folder)/digits.npy", ["--guidance", "0"]))
      #expect(try draw("\(folder)/digits.npy", ["--class", "3"]) != draw("\(folder)/digits.npy", []))
      #expect(try draw("digits", []) != draw("digits", ["--guidance", "0"]))
    }
  }
}
