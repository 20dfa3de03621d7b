public import ArgumentParser
import CommandLineSupport
import Foundation
import ScoreKit

/// `score-export`, or the tool of another `ToolSet` that exports.
public struct ExportCommand<Tools: ToolSet>: ParsableCommand {
  /// The name and the description.
  public static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "\(Tools.name)-export",
      abstract: "Writes a model that \(Tools.name)-train has trained as a pipeline of Hugging Face diffusers.",
      discussion: """
        Example: \(Tools.name)-train --data digits --process ddpm --out runs/ddpm, then \(Tools.name)-export runs/ddpm --out pipelines/digits

        In Python: DDPMPipeline.from_pretrained("pipelines/digits")(batch_size=16).images. A model with classes has one label \
        more than there are classes, for "none"; call its unet with class_labels=.
        """,
      version: "\(Tools.name)-export \(Tools.version)")
  }

  @Argument(
    help: ArgumentHelp("The folder of a run, or one of its checkpoints.", valueName: "run"), completion: .directory)
  var source: String

  @Option(
    help: ArgumentHelp("The folder to write, which must not exist or be empty.", valueName: "folder"),
    completion: .directory)
  var out: String

  @Flag(help: "Use the last weights instead of their moving average.")
  var rawWeights = false

  /// Makes a command without options.
  public init() {}

  /// Runs the tool and ends the process.
  public static func main() { runTool() }

  /// Checks the options.
  public func validate() throws {
    for (name, path) in [("the run", source), ("--out", out)] where path.isEmpty {
      throw ValidationError("\(name) has an empty path")
    }
  }

  /// Exports the model.
  public func run() throws {
    if try FilePath.exists(out), (try? FileManager.default.contentsOfDirectory(atPath: out))?.isEmpty != true {
      throw RunError(.usage, "\(out) exists already and is not an empty folder; name another --out")
    }
    try Engine.startThreads()
    let saved = try SavedModel(contentsOf: source, useAverage: !rawWeights, catalog: Tools.catalog)
    try DiffusersPipeline.write(saved.model, configuration: saved.record.model, to: out)
    print(out)
  }
}
