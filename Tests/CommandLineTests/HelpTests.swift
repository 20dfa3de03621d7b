import Foundation
import TestSupport
import Testing

/// The options of a tool, as its own description of itself has them.
private struct ToolDescription: Decodable {
  struct Argument: Decodable {
    struct Name: Decodable { let name: String }
    let abstract: String?
    let defaultValue: String?
    let isOptional: Bool
    let kind: String
    let preferredName: Name?
    let shouldDisplay: Bool
  }
  struct Command: Decodable { let arguments: [Argument] }
  let command: Command
}

@Suite struct HelpTests {
  /// Options that have no default: what they name is left out unless they are given.
  private static let offByDefault: [String: Set<String>] = [
    "score-train": ["data", "labels", "out", "preset", "config"],
    "score-sample": ["inpaint", "colorize", "trajectory", "animation", "npy", "noise"],
    "score-evaluate": ["labels", "nearest"], "score-export": [],
  ]

  @Test(arguments: ["score-train", "score-sample", "score-evaluate", "score-export"])
  func everyOptionShowsItsDefault(_ name: String) throws {
    let result = try Program.built(name).run(["--experimental-dump-help"])
    let description = try JSONDecoder().decode(ToolDescription.self, from: Data(result.output.utf8))
    let silent = description.command.arguments.filter { argument in
      argument.kind == "option" && argument.shouldDisplay && argument.isOptional && argument.defaultValue == nil
        && argument.abstract?.contains("(default: ") != true
    }
    #expect(Set(silent.compactMap(\.preferredName?.name)) == Self.offByDefault[name])
  }

  @Test func showConfigPrintsWhatARunWouldUse() throws {
    try temporaryFolder { folder in
      func shown(_ options: [String]) throws -> [String: Any] {
        let result = try Tool.train.run(["--show-config"] + options, in: folder)
        #expect(result.status == 0, "\(result.errors)")
        return try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
      }
      let preset = try shown(["--preset", "cifar10", "--seed", "3"])
      #expect(preset["channels"] as? [Int] == [128, 256, 256] && preset["seed"] as? Int == 3)
      let moons = try shown(["--data", "moons", "--steps", "40", "--preset", "points"])
      #expect(moons["steps"] as? Int == 40 && moons["warmup"] as? Int == 2 && moons["noise-mean"] as? Double == -1.2)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty, "nothing is trained or written")
      // What it prints is a configuration.
      let file = "\(folder)/c.json"
      try JSONSerialization.data(withJSONObject: moons).write(to: URL(fileURLWithPath: file))
      let again = try shown(["--config", file])
      #expect(NSDictionary(dictionary: again) == NSDictionary(dictionary: moons))
      try Tool.train.expectFailure(
        ["--preset", "points", "--resume", "--out", folder], status: 64, mentioning: ["--preset begins a run"])
      try Tool.train.expectFailure(["--data", "moons"], status: 64, mentioning: ["Missing expected argument '--out"])
    }
  }

  @Test func shortListsOfNamesAreShownAsLongOnes() throws {
    try Tool.train.expectFailure(
      ["--data", "moons", "--out", "x", "--model", "une"], status: 64,
      mentioning: ["--model needs auto, mlp or unet, not une (did you mean unet?)"])
    try Tool.sample.expectFailure(
      ["x", "--out", "y", "--magnify", "big"], status: 64, mentioning: ["--magnify needs squares or smooth, not big"])
  }
}
