public import ArgumentParser
import CommandLineSupport
public import ScoreKit

extension Magnification: ExpressibleByArgument {}

/// Seeds on the command line: `7`, `0-63` or `1,5,9`.
struct SeedList: ExpressibleByArgument {
  /// The seeds that were written.
  let seeds: [UInt64]
  /// Whether a single number was written, from which seeds are counted.
  let isStart: Bool

  init?(argument: String) {
    if let seed = UInt64(argument) {
      (seeds, isStart) = ([seed], true)
      return
    }
    isStart = false
    let ends = argument.split(separator: "-", omittingEmptySubsequences: false).map { UInt64($0) }
    if ends.count == 2, let first = ends[0], let last = ends[1] {
      guard first <= last, last - first < 10_000_000 else { return nil }
      seeds = Array(first...last)
      return
    }
    guard let list = List(argument, parse: { UInt64($0) }) else { return nil }
    seeds = list.elements
  }

  var defaultValueDescription: String { "0" }
}

/// Which samples are drawn.
struct SampleOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The number of samples. (default: 64, or as many as seeds are given)", valueName: "n"))
  var count: Int?

  @Option(help: ArgumentHelp("The columns of the grid. (default: about a square)", valueName: "n"))
  var columns: Int?

  @Option(
    help: ArgumentHelp(
      "A seed to count from, a range such as 0-63, or a list such as 1,5,9. (default: 0)", valueName: "seeds"))
  var seed: SeedList?

  @Option(help: ArgumentHelp("The number of samples drawn together: memory and speed, not the result.", valueName: "n"))
  var batchSize = 64

  @Option(
    name: .customLong("class"),
    help: ArgumentHelp("The class of all samples. (default: the seed mod the number of classes)", valueName: "n"))
  var label: Int?

  @Option(help: ArgumentHelp("The weight of classifier-free guidance.", valueName: "x"))
  var guidance = 1.0

  func validate() throws {
    try check("count", count, in: 1...10_000_000)
    try check("columns", columns, in: 1...10_000)
    try check("batch-size", batchSize, in: 1...100_000)
    try check("guidance", guidance, "needs a number", \.isFinite)
    if let seed, !seed.isStart, let count, count != seed.seeds.count {
      throw ValidationError(
        "--count \(count) does not fit the \(seed.seeds.count) seeds of --seed; leave one of them out")
    }
  }

  /// The seed of each sample.
  var seeds: [UInt64] {
    if let seed, !seed.isStart { return seed.seeds }
    let start = seed?.seeds.first ?? 0
    return (0..<UInt64(count ?? 64)).map { start &+ $0 }
  }

  /// The class of each sample `[count]`; `nil` for a model without classes.
  ///
  /// It is the class of the command line, else the class of the image that the sample continues, else seed mod classes. It is
  /// `nil` where the classes of the images are not known, or are not those of the model.
  func condition(of model: ModelConfiguration, continuing known: KnownParts?) throws -> Tensor? {
    let classCount = model.classCount
    guard classCount > 0 else {
      if label != nil {
        throw RunError(.usage, "--class needs a model with classes; train one with --class-conditional")
      }
      return nil
    }
    if let label, !(0..<classCount).contains(label) {
      throw RunError(.usage, "--class needs a class from 0 to \(classCount - 1), not \(label)")
    }
    if let label { return Tensor(Array(repeating: label, count: seeds.count)) }
    guard let known else { return model.condition(seeds: seeds) }
    return known.labels.flatMap { $0.elements(as: Int.self).allSatisfy((0..<classCount).contains) ? $0 : nil }
  }
}
