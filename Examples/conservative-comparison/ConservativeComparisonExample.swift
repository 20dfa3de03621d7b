// One score network trained in five ways, conservative or not, at equal steps and in equal time.
//
//   swift run -c release conservative-comparison --data digits --out outputs/conservative
//
// Tables go to standard output, pictures to the folder. The ways are those of `score-train --conservative`, and `makeConservative`
// after training.
import ArgumentParser
import CommandLineSupport
import Foundation
import ScoreKit

@main
struct ConservativeComparisonExample: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "conservative-comparison",
    abstract: "Trains a score network in five ways, conservative or not, and compares what they cost and reach.")

  @Option(help: ArgumentHelp("What is learned: digits, points such as moons, or a path.", valueName: "source"))
  var data = "digits"

  @Option(help: ArgumentHelp("The folder for the pictures.", valueName: "folder"))
  var out = "outputs/conservative"

  @Option(help: "The network: mlp, or unet for images.")
  var model = Network.mlp

  @Option(help: ArgumentHelp("The width of an MLP. (default: 128)", valueName: "n"))
  var width: Int?

  @Option(
    help: ArgumentHelp(
      "The channels of each level of a U-Net. (default: 32,64 for small images, else 16,32)", valueName: "list"),
    transform: { try List($0, "channels", of: "whole numbers such as 16,32, separated by commas") { Int($0) } })
  var channels: List<Int>?

  @Option(help: ArgumentHelp("The number of training steps where it is equal.", valueName: "n"))
  var steps = 600

  @Option(
    help: ArgumentHelp(
      "The number of unconstrained steps whose time all have where time is equal. (default: twice --steps)",
      valueName: "n"))
  var budgetSteps: Int?

  @Option(help: ArgumentHelp("The examples in a step.", valueName: "n"))
  var batchSize = 128

  @Option(help: ArgumentHelp("The learning rate after the warm-up.", valueName: "x"))
  var learningRate = 1e-3

  @Option(
    help: ArgumentHelp("The weights of the penalty, a training for each. (default: 10,30,100)", valueName: "list"),
    transform: { try List($0, "penalty-weights", of: "numbers such as 10,30,100, separated by commas") { Double($0) } })
  var penaltyWeights = List([10.0, 30, 100])

  @Option(
    help: ArgumentHelp(
      "The numbers of projected steps, a training for each. (default: 12,24)", valueName: "list"),
    transform: {
      try List($0, "projections", of: "whole numbers from 1 such as 12,24, separated by commas") { text in
        Int(text).flatMap { $0 > 0 ? $0 : nil }
      }
    })
  var projections = List([12, 24])

  @Option(
    help: ArgumentHelp(
      "The ways to train: off, penalty, projection, energy, fit. (default: all)", valueName: "list"),
    transform: {
      try List($0, "ways", of: "some of off, penalty, projection, energy and fit, separated by commas") {
        Way.Kind(rawValue: $0)
      }
    })
  var ways = List(Way.Kind.allCases)

  @Option(help: "Whether all take the same steps, or as many as fit in the same time.")
  var budget = Budgets.both

  @Option(
    help: ArgumentHelp(
      "The steps in equal time, such as penalty=400,projection-12=300, instead of those that are measured.",
      valueName: "list"),
    transform: {
      try List(
        $0, "time-steps", of: "ways with whole numbers such as penalty=400,projection-12=300, separated by commas"
      ) {
        text in
        let sides = text.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
        guard sides.count == 2, TimeSteps.isName(sides[0]), let steps = Int(sides[1]), (1...1_000_000).contains(steps)
        else { return nil }
        return TimeSteps(name: sides[0], steps: steps)
      }
    })
  var timeSteps = List<TimeSteps>([])

  @Option(help: ArgumentHelp("The Gauss-Newton steps of the fit.", valueName: "n"))
  var fitSteps = 4

  @Option(
    help: ArgumentHelp(
      "The points of each of these steps; it holds the denoiser at twice as many.", valueName: "n"))
  var fitPoints = 256

  @Option(
    help: ArgumentHelp(
      "The held-out examples for asymmetry and log density. (default: all, 128 of larger images)", valueName: "n"))
  var evaluationCount: Int?

  @Option(help: ArgumentHelp("The seed of the split, weights, batches and samples.", valueName: "n"))
  var seed: UInt64 = 0

  @Option(
    help: ArgumentHelp(
      "The number of threads; with 1, time is the processor's, else that on the wall.", valueName: "n"))
  var threads = 1

  @Option(help: .hidden)
  var peakOf: Way.Kind?

  enum Network: String, CaseIterable, ExpressibleByArgument { case mlp, unet }

  enum Budgets: String, CaseIterable, ExpressibleByArgument { case steps, time, both }

  struct TimeSteps: Sendable {
    /// As in `Way.timeName`.
    let name: String
    let steps: Int

    /// Whether it is that of a way whose steps can differ from those of the unconstrained one.
    static func isName(_ text: String) -> Bool {
      let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard let kind = Way.Kind(rawValue: parts[0]), kind != .off else { return false }
      return kind == .projection ? parts.count == 2 && (Int(parts[1]) ?? 0) > 0 : parts.count == 1
    }
  }

  static func main() { runTool() }

  func validate() throws {
    try check("fit-steps", fitSteps, in: 1...10_000)
    try check("fit-points", fitPoints, in: 1...100_000)
    try check("evaluation-count", evaluationCount, in: 1...1_000_000)
    try check("budget-steps", budgetSteps, in: 1...1_000_000)
    guard !out.isEmpty else { throw ValidationError("--out needs the name of a folder") }
    for (name, isRepeated) in [
      ("ways", Set(ways.elements).count < ways.elements.count),
      ("penalty-weights", Set(penaltyWeights.elements).count < penaltyWeights.elements.count),
      ("projections", Set(projections.elements).count < projections.elements.count),
    ] where isRepeated {
      throw ValidationError("--\(name) names something twice")
    }
    for way in Way.all(of: [.penalty], penaltyWeights: penaltyWeights.elements, projections: []) {
      var options = options
      way.apply(to: &options, steps: steps)
      try check(options)
    }
  }

  private func check(_ options: RunConfiguration) throws {
    do {
      try options.validate()
    } catch {
      throw ValidationError(error.toolSentence)
    }
  }

  private var options: RunConfiguration {
    var options = RunConfiguration()
    options.data = data
    options.model = model == .mlp ? .mlp : .unet
    options.width = width
    options.channels = channels?.elements
    options.steps = steps
    options.batchSize = batchSize
    options.learningRate = learningRate
    options.seed = seed
    options.threads = threads
    return options
  }

  func run() throws {
    Engine.prepare()
    let dataset = try DatasetSource(data).load(seed: seed)
    Engine.threadCount = threads
    var options = options
    if model == .unet, channels == nil, dataset.exampleShape.reduce(1, *) > 256 {
      (options.channels, options.blocks) = ([16, 32], 1)
    }
    let experiment = try Experiment(
      data: dataset, options: options, fitSteps: fitSteps, fitPoints: fitPoints, evaluationCount: evaluationCount)
    if let peakOf { return print(try experiment.peakMemory(peakOf)) }
    let summary = try experiment.summary()
    try AtomicFile.createFolder(out)
    print(summary)
    let clock = TrainingClock(threads: threads)
    let plans = try makePlans(experiment, clock)
    let memory = try peakMemory()
    var done: [Plan: Outcome] = [:]
    var comparisons: [Comparison] = []
    for (budget, plan) in plans {
      let outcomes = try plan.map { plan in
        let outcome = try done[plan] ?? train(plan, experiment, clock)
        done[plan] = outcome
        return outcome
      }
      comparisons.append(Comparison(budget: budget, outcomes: outcomes))
    }
    print("\nlosses and log densities on held-out examples; times are \(clock.name)")
    for comparison in comparisons {
      print("\n\(comparison.table(memory: memory))\n\n\(comparison.asymmetryTable)")
    }
    try writePictures(of: comparisons, data: experiment.training)
  }

  private struct Plan: Hashable {
    let way: Way
    let steps: Int
  }

  /// What is trained, for each of the budgets.
  private func makePlans(_ experiment: Experiment, _ clock: TrainingClock) throws -> [(Comparison.Budget, [Plan])] {
    let all = Way.all(
      of: ways.elements, penaltyWeights: penaltyWeights.elements, projections: projections.elements)
    var plans: [(Comparison.Budget, [Plan])] = []
    if budget != .time { plans.append((.steps, all.map { Plan(way: $0, steps: steps) })) }
    guard budget != .steps else { return plans }
    var counts = Dictionary(timeSteps.elements.map { ($0.name, $0.steps) }) { $1 }
    let budgetSteps = budgetSteps ?? 2 * steps
    counts[Way.off.timeName] = budgetSteps
    let unknown = all.filter { counts[$0.timeName] == nil }
    if !unknown.isEmpty {
      let kinds = Way.Kind.allCases.filter { kind in kind == .off || unknown.contains { $0.kind == kind } }
      let costs = try experiment.calibrate(kinds, clock: clock)
      print("\(costs.summary), in \(clock.name)")
      for (way, steps) in try experiment.steps(inTimeOf: budgetSteps, costs, for: unknown) {
        counts[way.timeName] = steps
      }
    }
    var names: [String] = []
    for name in all.map(\.timeName) where name != Way.off.timeName && !names.contains(name) { names.append(name) }
    let text = names.map { "\($0)=\(counts[$0] ?? 0)" }.joined(separator: ",")
    if !text.isEmpty { print("in the time of \(budgetSteps) unconstrained steps: --time-steps \(text)") }
    plans.append((.time, all.map { Plan(way: $0, steps: counts[$0.timeName] ?? budgetSteps) }))
    return plans
  }

  private func train(_ plan: Plan, _ experiment: Experiment, _ clock: TrainingClock) throws -> Outcome {
    let progress = CommandLineSupport.Progress(plan.way.name, total: plan.steps, style: .auto)
    defer { progress.finish() }
    return try experiment.train(plan.way, steps: plan.steps, clock: clock) { report in
      progress.update(report.step, String(format: "loss %.4f", report.loss))
    }
  }

  /// The peak of a process of its own for each kind of training: this one keeps what it has freed.
  private func peakMemory() throws -> [Way.Kind: Int] {
    var peaks: [Way.Kind: Int] = [:]
    #if os(Linux)
      for kind in ways.elements {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = CommandLine.arguments.dropFirst() + ["--peak-of", kind.rawValue]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        peaks[kind] = Int(text.trimmingCharacters(in: .whitespacesAndNewlines))
      }
    #endif
    return peaks
  }

  private func writePictures(of comparisons: [Comparison], data: Dataset) throws {
    try penaltyCurves(of: comparisons, data: data.name).write(toPNG: "\(out)/penalty-curve.png")
    var names = ["penalty-curve.png"]
    for comparison in comparisons {
      let suffix = comparison.budget.name.replacingOccurrences(of: " ", with: "-")
      for (kind, image) in [
        ("samples", try comparison.samples(data: data)), ("fields", comparison.fields(data: data.name)),
      ] {
        guard let image else { continue }
        try image.write(toPNG: "\(out)/\(kind)-\(suffix).png")
        names.append("\(kind)-\(suffix).png")
      }
    }
    print("\n\(names.joined(separator: ", ")) are in \(out)")
  }
}

extension Way.Kind: ExpressibleByArgument {}
