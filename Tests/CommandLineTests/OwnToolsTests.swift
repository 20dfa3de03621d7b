import Foundation
import TestSupport
import Testing

// The programs of Examples/own-tools, which scripts/check-own-tools also builds as a package of its own.
extension Program {
  fileprivate static let myTrain = Program.built("my-train")
  fileprivate static let mySample = Program.built("my-sample")
  fileprivate static let myEvaluate = Program.built("my-evaluate")
}

/// A model, a process, an objective, data and a sampler of a program's own have runs as the built-in ones have.
@Suite(.serialized) struct OwnToolsTests {
  private static func run(_ out: String, _ more: [String] = []) -> [String] {
    [
      "--data", "rings", "--model", "conv", "--conv-channels", "6", "--process", "cosine", "--objective",
      "pseudo-huber",
      "--class-conditional", "--out", out, "--steps", "60", "--checkpoint-every", "20", "--sample-every", "60",
      "--batch-size", "4", "--threads", "1", "--device", "cpu", "--progress", "none", "--tensorboard",
    ] + more
  }

  private static func weights(_ run: String) -> [Data?] {
    ["model", "ema", "optimizer"].map { contents("\(run)/checkpoints/step-000060/\($0).safetensors") }
  }

  @Test func aKilledRunOfAModelOfOnesOwnEndsWithTheSameBytes() throws {
    try temporaryFolder { folder in
      let (whole, killed) = ("\(folder)/whole", "\(folder)/killed")
      let result = try Program.myTrain.run(Self.run(whole))
      try #require(result.status == 0, "\(result.errors)")
      let process = try Program.myTrain.start(Self.run(killed))
      while process.isRunning, contents("\(killed)/checkpoints/step-000020/state.json") == nil { usleep(1000) }
      process.send(SIGKILL)
      #expect(process.wait().ending == .signal(SIGKILL))
      // The configuration of the model is in config.json: nothing has to be told again.
      let resumed = try Program.myTrain.run(["--out", killed, "--resume", "--progress", "none"])
      #expect(resumed.status == 0, "\(resumed.errors)")
      #expect(Self.weights(whole).allSatisfy { $0 != nil })
      #expect(Self.weights(whole) == Self.weights(killed))
      for file in ["samples/step-000060.png", "loss.png", "evaluation.json"] {
        #expect(contents("\(whole)/\(file)") != nil)
        #expect(contents("\(whole)/\(file)") == contents("\(killed)/\(file)"), "\(file) differs")
      }
      #expect(try !FileManager.default.contentsOfDirectory(atPath: "\(whole)/tensorboard").isEmpty)
      try Self.expectSamples(of: whole, in: folder)
    }
  }

  /// What the other tools do with the run.
  private static func expectSamples(of run: String, in folder: String) throws {
    let picture = "\(folder)/samples.png"
    let options = ["--out", picture, "--count", "4", "--steps", "3", "--progress", "none"]
    let drawn = try Program.mySample.run([run, "--sampler", "midpoint", "--position", "0.6"] + options)
    #expect(drawn.status == 0, "\(drawn.errors)")
    #expect(contents(picture) != nil)
    try Program.mySample.expectFailure(
      [run, "--sampler", "heun", "--position", "0.6"] + options, status: 64,
      mentioning: ["--position belongs to the sampler midpoint"])
    try Program.mySample.expectFailure(
      [run, "--sampler", "midpoint", "--churn", "1"] + options, status: 64, mentioning: ["--churn", "not to midpoint"])
    let evaluated = try Program.myEvaluate.run(
      [run, "--count", "8", "--no-likelihood", "--json", "--progress", "none"])
    #expect(evaluated.status == 0, "\(evaluated.errors)")
    for word in [#""network" : "conv""#, #""process" : "cosine""#, #""seen-in-training" : true"#] {
      #expect(evaluated.output.contains(word), "\(evaluated.output)")
    }
    // Another program says whose run it is, and does not advise to delete it.
    for tool in [Tool.sample, Tool.evaluate] {
      let arguments = tool.name == Tool.sample.name ? [run, "--out", picture] : [run]
      let result = try tool.expectFailure(
        arguments, status: 64, mentioning: ["the process cosine", "does not know", "my-train wrote it", "my-sample"])
      #expect(!result.errors.contains("delete"))
    }
    try Tool.train.expectFailure(
      ["--out", run, "--resume"], status: 65,
      mentioning: ["config.json", "--model needs one of auto, mlp, unet, not conv"])
  }

  @Test func helpShowsWhatTheProgramAdds() throws {
    let help = try Program.myTrain.run(["--help"])
    let words = help.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    for part in [
      "USAGE: my-train", "--conv-channels", "(values: auto, mlp, unet, conv)", "eight-gaussians, rings, or the path",
      "denoising, sliced, implicit, pseudo-huber",
    ] {
      #expect(words.contains(part), "\(part) is not in \(words)")
    }
    #expect(try Program.myTrain.run(["--version"]).output == "my-train 0.1.0\n")
    let sampler = try Program.mySample.run(["--help"]).output.split(whereSeparator: \.isWhitespace).joined(
      separator: " ")
    #expect(sampler.contains("mala, midpoint") && sampler.contains("18 for heun") && sampler.contains("and midpoint"))
  }

  @Test(arguments: [
    (["--data", "moons"], 64, "the model conv is for images"),
    (["--width", "8"], 64, "--width belongs to the built-in networks; conv has --model-options"),
    (["--conv-channels", "0"], 64, "1 to 1024 channels"),
    (["--conservative", "energy"], 64, "--conservative energy makes a built-in network"),
    (["--objective", "nothing"], 64, "--objective needs denoising, sliced, implicit or pseudo-huber, not nothing"),
    (["--model", "con"], 64, "did you mean conv?"),
  ])
  func mistakesAreSaidInOneSentence(_ options: [String], _ status: Int32, _ words: String) throws {
    try temporaryFolder { folder in
      try Program.myTrain.expectFailure(
        Self.run("\(folder)/run", options), status: status, mentioning: [words])
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/run"))
    }
  }

  @Test func configurationsAreReadStrictly() throws {
    try temporaryFolder { folder in
      let file = "\(folder)/config.json"
      for (options, words) in [
        (#"{"chanels": 8}"#, "conv has the options blocks, channels, not chanels"),
        (#"{"channels": "many"}"#, "the option channels of conv has no value of type Int"),
        ("7", "the options of conv must be an object, not 7"),
      ] {
        try Data(#"{"model": "conv", "data": "rings", "model-options": \#(options)}"#.utf8)
          .write(to: URL(fileURLWithPath: file))
        try Program.myTrain.expectFailure(
          ["--config", file, "--out", "\(folder)/run"], status: 64, mentioning: [words])
      }
    }
  }
}
