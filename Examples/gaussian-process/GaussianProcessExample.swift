// Gaussian-process hyperparameters tuned on predictive performance, by gradients through LSMR; beside marginal likelihood.
//
//   swift run -c release gaussian-process outputs/co2.png
//
// S. Roy, S. Hauberg & N. Krämer (2025), Matrix-free least squares solvers, arXiv 2510.19634.
import ArgumentParser
import CommandLineSupport
import Foundation
import ScoreKit

@main
struct GaussianProcessExample: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gaussian-process",
    abstract: "Tunes the kernel of atmospheric CO₂ on forecasts and on marginal likelihood, and compares both.")

  @Argument(help: ArgumentHelp("Where the picture of the fit goes.", valueName: "file.png"))
  var path = "outputs/co2.png"

  @Option(help: ArgumentHelp("How many years ahead is predicted, in tuning and in the test: 1 to 10.", valueName: "n"))
  var years = 2

  @Option(help: ArgumentHelp("The number of steps of Adam.", valueName: "n"))
  var steps = 60

  static func main() { runTool() }

  func validate() throws {
    try check("years", years, in: 1...10)
    try check("steps", steps, atLeast: 1)
    guard path.hasSuffix(".png") else {
      throw ValidationError("the picture needs a name that ends in .png, not \(path)")
    }
  }

  func run() throws {
    try AtomicFile.createFolder(FilePath.folder(of: path))
    let experiment = try Experiment(years: Double(years))
    let marginal = try tune("marginal likelihood", experiment.marginalObjective())
    let predictive = try tune("forecasts", experiment.predictiveObjective())
    let candidates = [("not tuned", Features.initial), ("marginal likelihood", marginal), ("forecasts", predictive)]

    print("hyperparameter    not tuned  marginal likelihood  forecasts")
    let columns = candidates.map { $0.1.exp().elements(as: Double.self) }
    for (index, name) in Features.names.enumerated() {
      let label = name.padding(toLength: 14, withPad: " ", startingAt: 0)
      print(String(format: "%@ %12.3f %20.3f %10.3f", label, columns[0][index], columns[1][index], columns[2][index]))
    }
    print("\n\(years) years ahead, 1987 to 2001      RMSE/ppm    NLPD   in 95 % band   LSMR iterations")
    for (name, logarithms) in candidates {
      let scores = try experiment.judge(logarithms)
      let label = name.padding(toLength: 34, withPad: " ", startingAt: 0)
      print(
        String(
          format: "%@ %7.2f %7.2f %12.0f %% %10d to %d", label, scores.rootMeanSquare, scores.negativeLogDensity,
          scores.coverage * 100, scores.iterations.lowerBound, scores.iterations.upperBound))
    }
    let picture = try experiment.picture(predictive, title: "CO₂ at Mauna Loa, predicted from the years before 1987")
    try picture.write(toPNG: path)
    print("\nthe fit is in \(path)")
  }

  private func tune(_ name: String, _ objective: (Tensor) throws -> Tensor) throws -> Tensor {
    let progress = CommandLineSupport.Progress(name, total: steps, style: .auto)
    defer { progress.finish() }
    return try Experiment.minimize(objective, steps: steps) { step, loss in
      progress.update(step, "loss " + String(format: "%.4f", loss))
    }
  }
}
