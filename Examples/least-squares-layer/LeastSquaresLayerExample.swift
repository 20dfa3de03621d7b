// A least-squares solve as the last layer of a network, trained by gradients through the solve: few-shot regression.
//
//   swift run -c release least-squares-layer outputs/few-shot.png
import ArgumentParser
import CommandLineSupport
import Foundation
import ScoreKit

@main
struct LeastSquaresLayerExample: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "least-squares-layer",
    abstract: "Learns features with which a least-squares solve fits sine waves from 5 or 10 points.")

  @Argument(help: ArgumentHelp("Where the picture of four new tasks goes.", valueName: "file.png"))
  var path = "outputs/few-shot.png"

  @Option(help: ArgumentHelp("The number of training steps.", valueName: "n"))
  var steps = 4000

  @Option(help: ArgumentHelp("The seed of weights and tasks.", valueName: "n"))
  var seed: UInt64 = 0

  static func main() { runTool() }

  func validate() throws {
    try check("steps", steps, atLeast: 1)
    guard path.hasSuffix(".png") else {
      throw ValidationError("the picture needs a name that ends in .png, not \(path)")
    }
  }

  func run() throws {
    Engine.threadCount = 1  // For small matrices one is fastest.
    try AtomicFile.createFolder(FilePath.folder(of: path))

    var generator = RandomGenerator(seed: seed, purpose: .initialization, index: 1)
    let plain = PlainRegressor(features: initialFeatures(), using: &generator)
    try training("without the layer").train(plain)
    let constant = FewShotRegressor(features: initialFeatures(), layer: LeastSquaresLayer(damping: 0.1))
    try training("solve as constant").train(constant, differentiatesSolve: false)
    let layered = FewShotRegressor(features: initialFeatures(), layer: LeastSquaresLayer(damping: 0.1))
    try training("through the solve").train(layered)

    var (validation, test) = (source(0), source(1))
    print("mean squared error on 600 new tasks")
    for shots in [5, 10] {
      let choice = Evaluation(tasks: 600, shots: shots, using: &validation)
      let test = Evaluation(tasks: 600, shots: shots, using: &test)
      for (name, model) in [
        ("features not trained", try choice.bestRegressor(for: initialFeatures())),
        ("features trained without the layer", try choice.bestRegressor(for: plain.features)),
        ("trained with the solve as a constant", try choice.bestRegressor(for: constant.features)),
        ("trained through the solve", layered),
      ] {
        print(row(shots, name, try test.error(of: model), damping: model.layer.damping.item()))
      }
    }

    var drawing = source(2)
    let before = try Evaluation(tasks: 600, shots: 5, using: &drawing).bestRegressor(for: initialFeatures())
    let tasks = SinusoidTasks(count: 4, using: &drawing)
    try picture(of: tasks, known: tasks.examples(perTask: 5, using: &drawing), before: before, after: layered)
      .write(toPNG: path)
    print("four new tasks with 5 known points are in \(path)")
  }

  /// The weights that every network starts from.
  private func initialFeatures() -> FeatureNetwork {
    var generator = RandomGenerator(seed: seed, purpose: .initialization)
    return FeatureNetwork(using: &generator)
  }

  private func source(_ index: UInt64) -> RandomGenerator { RandomGenerator(seed: seed, purpose: .data, index: index) }

  private func training(_ name: String) -> FewShotTraining {
    let progress = CommandLineSupport.Progress(name, total: steps, style: .auto)
    var training = FewShotTraining(steps: steps, seed: seed)
    training.report = { [steps] step, loss in
      progress.update(step, "loss " + String(format: "%.4f", loss))
      if step == steps { progress.finish() }
    }
    return training
  }

  private func row(_ shots: Int, _ name: String, _ error: (mean: Double, standardError: Double), damping: Double)
    -> String
  {
    let name = name.padding(toLength: 38, withPad: " ", startingAt: 0)
    return String(
      format: "  %2d points  \(name)%.4f ± %.4f  (δ = %.2g)", shots, error.mean, error.standardError, damping)
  }
}
