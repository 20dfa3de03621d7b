import ArgumentParser
import CommandLineSupport
import Foundation
import ScoreKit

@main
struct ScoreExport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "score-export",
    abstract: "Writes a model that score-train has trained as a pipeline of Hugging Face diffusers.",
    discussion: """
      Example: score-train --data digits --process ddpm --out runs/ddpm, then score-export runs/ddpm --out pipelines/digits

      In Python: DDPMPipeline.from_pretrained("pipelines/digits")(batch_size=16).images. A model with classes has one label \
      more than there are classes, for "none"; call its unet with class_labels=.
      """,
    version: "score-export \(packageVersion)")

  @Argument(
    help: ArgumentHelp("The folder of a run, or one of its checkpoints.", valueName: "run"), completion: .directory)
  var source: String

  @Option(
    help: ArgumentHelp("The folder to write, which must not exist or be empty.", valueName: "folder"),
    completion: .directory)
  var out: String

  @Flag(help: "Use the last weights instead of their moving average.")
  var rawWeights = false

  static func main() { runTool() }

  func validate() throws {
    for (name, path) in [("the run", source), ("--out", out)] where path.isEmpty {
      throw ValidationError("\(name) has an empty path")
    }
  }

  func run() throws {
    if try FilePath.exists(out), (try? FileManager.default.contentsOfDirectory(atPath: out))?.isEmpty != true {
      throw RunError(.usage, "\(out) exists already and is not an empty folder; name another --out")
    }
    try Engine.startThreads()
    let saved = try SavedModel(contentsOf: source, useAverage: !rawWeights)
    try DiffusersPipeline.write(saved.model, configuration: saved.record.model, to: out)
    print(out)
  }
}
