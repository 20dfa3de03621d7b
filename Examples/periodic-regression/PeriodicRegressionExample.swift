// A network that learns one period of the sine under the constraint that it is periodic: null-space projected Adam.
//
//   swift run -c release periodic-regression outputs/periodic.png
//
// After the example of NUOX, https://github.com/h-roy/nsm, for S. Roy, S. Hauberg & N. Krämer (2025), Matrix-free least squares
// solvers, arXiv 2510.19634.
import ArgumentParser
import CommandLineSupport
import Foundation
import ScoreKit

@main
struct PeriodicRegressionExample: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "periodic-regression",
    abstract: "Learns one period of the sine with and without the constraint that the network is periodic.")

  @Argument(help: ArgumentHelp("Where the picture of the first run goes.", valueName: "file.png"))
  var path = "outputs/periodic.png"

  @Option(help: ArgumentHelp("The number of steps of Adam.", valueName: "n"))
  var steps = 5000

  @Option(help: ArgumentHelp("The seed of weights and points.", valueName: "n"))
  var seed: UInt64 = 0

  @Option(help: ArgumentHelp("The number of runs, with the seeds that follow each other.", valueName: "n"))
  var runs = 1

  @OptionGroup(title: "Projection")
  var projection: Projection

  static func main() { runTool() }

  func validate() throws {
    try check("steps", steps, atLeast: 1)
    try check("runs", runs, in: 1...1000)
    guard seed <= UInt64.max - UInt64(runs) else { throw ValidationError("--seed \(seed) leaves no room for --runs") }
    guard path.hasSuffix(".png") else {
      throw ValidationError("the picture needs a name that ends in .png, not \(path)")
    }
  }

  func run() throws {
    Engine.threadCount = 1  // For a network this small one is fastest.
    try AtomicFile.createFolder(FilePath.folder(of: path))
    print("seed                  loss  violation  error on [-3π, 3π]  ms a step  iterations")
    var outcomes: [(baseline: Training.Outcome, projected: Training.Outcome)] = []
    for seed in seed..<seed + UInt64(runs) {
      let baseline = try training(seed, "Adam").run { _ in adam }
      print(row("\(seed)", "Adam", [baseline]))
      let training = training(seed, "projected")
      let projected = try training.run { projection.optimizer(adam, training.problem.constraint(on: $0), steps: steps) }
      print(row("\(seed)", "projected", [projected]))
      outcomes.append((baseline, projected))
      if outcomes.count == 1 { try picture(of: baseline, projected).write(toPNG: path) }
    }
    if runs > 1 {
      print(row("median", "Adam", outcomes.map(\.baseline)))
      print(row("median", "projected", outcomes.map(\.projected)))
    }
    print("\nthe curves are in \(path)")
  }

  private var adam: Adam { Adam(learningRate: 3e-3) }

  private func training(_ seed: UInt64, _ name: String) -> Training {
    let progress = CommandLineSupport.Progress("\(name), seed \(seed)", total: steps, style: .auto)
    var training = Training(steps: steps, seed: seed)
    training.report = { [steps] step, outcome in
      progress.update(step, String(format: "loss %.1e  violation %.1e", outcome.loss, outcome.violation))
      if step == steps { progress.finish() }
    }
    return training
  }

  private func row(_ seed: String, _ name: String, _ outcomes: [Training.Outcome]) -> String {
    func median(_ number: KeyPath<Training.Outcome, Double>) -> Double {
      let sorted = outcomes.map { $0[keyPath: number] }.sorted()
      return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
    return seed.padding(toLength: 8, withPad: " ", startingAt: 0)
      + name.padding(toLength: 11, withPad: " ", startingAt: 0)
      + String(
        format: "%.1e    %.1e  %18.4f  %9.2f  %10.1f", median(\.loss), median(\.violation), median(\.error),
        median(\.millisecondsPerStep), median(\.iterationsPerStep))
  }
}
