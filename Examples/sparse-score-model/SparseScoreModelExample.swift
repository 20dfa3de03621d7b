// A score network of 50 million parameters, nine tenths of whose weights training makes exactly 0; beside the dense one.
//
//   swift run -c release sparse-score-model --out outputs/sparse
//
// The weights are a constraint that each step of Adam is projected on: see `WeightSparsity` and `NullSpaceProjected`.
public import ArgumentParser
import CommandLineSupport
import Foundation
public import ScoreKit

extension WeightSparsity.Scope: ExpressibleByArgument {}

@main
struct SparseScoreModelExample: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sparse-score-model",
    abstract: "Trains a score network dense and sparse, from the same weights on the same batches, and compares both.")

  @Option(help: ArgumentHelp("What is learned: digits, points such as moons, or a path.", valueName: "source"))
  var data = "digits"

  @Option(help: ArgumentHelp("The folder for samples.png and curves.png.", valueName: "folder"))
  var out = "outputs/sparse"

  @Option(help: ArgumentHelp("The part of the weights that become 0; with 0 the dense run alone.", valueName: "x"))
  var sparsity = 0.9

  @Option(help: "Whether the smallest of all weights become 0, or the smallest of each layer.")
  var scope = WeightSparsity.Scope.global

  @Option(help: ArgumentHelp("The number of training steps.", valueName: "n"))
  var steps = 600

  @Option(help: ArgumentHelp("The examples in a step.", valueName: "n"))
  var batchSize = 64

  @Option(help: ArgumentHelp("The width of the network.", valueName: "n"))
  var width = 1920

  @Option(help: ArgumentHelp("The number of its blocks; each has 3 matrices of width × width.", valueName: "n"))
  var blocks = 4

  @Option(help: ArgumentHelp("The seed of weights, batches and samples.", valueName: "n"))
  var seed: UInt64 = 0

  static func main() { runTool() }

  func validate() throws {
    try check("sparsity", sparsity, "must be at least 0 and below 1", (0..<1).contains)
    try check("steps", steps, in: 1...1_000_000)
    try check("batch-size", batchSize, in: 1...100_000)
    try check("width", width, in: 2...16_384)
    try check("blocks", blocks, in: 1...100)
    guard !out.isEmpty else { throw ValidationError("--out needs the name of a folder") }
  }

  func run() throws {
    Engine.prepare()
    let experiment = try Experiment(
      data: DatasetSource(data).load(seed: seed), width: width, blocks: blocks, batchSize: batchSize, steps: steps,
      seed: seed)
    let constraint = sparsity > 0 ? try experiment.sparsity(sparsity, scope) : nil
    try AtomicFile.createFolder(out)
    print(experiment.summary)
    var outcomes = [try train("dense", nil, experiment)]
    if let constraint { outcomes.append(try train("sparse", constraint, experiment)) }
    print(Comparison(outcomes).table)
    try picture(of: outcomes).write(toPNG: "\(out)/samples.png")
    try curves(of: outcomes).write(toPNG: "\(out)/curves.png")
    print("samples\(outcomes.count > 1 ? ", dense above sparse," : "") and curves are in \(out)")
  }

  private func train(_ name: String, _ sparsity: Sparsity?, _ experiment: Experiment) throws -> Outcome {
    let progress = CommandLineSupport.Progress(name, total: steps, style: .auto)
    defer { progress.finish() }
    return try experiment.train(name, sparsity) { report in
      let part = report.projection?.measurements["sparsity"].map { String(format: "  %.1f %% zeros", $0 * 100) } ?? ""
      progress.update(report.step, String(format: "loss %.4f", report.loss) + part)
    }
  }
}
