import ArgumentParser
import CommandLineSupport
import Foundation
import ScoreKit

@main
struct BenchmarkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "Benchmarks",
    abstract: "Times ScoreKit and PyTorch doing the same work by turns, and prints both.",
    discussion: """
      Example: swift run -c release Benchmarks --filter train --python python3

      The time ratio is ScoreKit's time over PyTorch's: below 1, ScoreKit is faster. Run it on an idle machine.
      """)

  @Option(help: ArgumentHelp("Only the cases whose names contain this.", valueName: "text"))
  var filter: String?

  @Option(help: ArgumentHelp("The rounds that count, after 2 that do not.", valueName: "n"))
  var rounds = 7

  @Option(help: ArgumentHelp("About how long ScoreKit's part of a round lasts.", valueName: "s"))
  var seconds = 0.5

  @Option(
    help: ArgumentHelp(
      "The number of threads; by default as many as processors, and then one. Operators are timed with one.",
      valueName: "n"))
  var threads: Int?

  @Option(help: ArgumentHelp("The Python that has PyTorch.", valueName: "path"))
  var python = "python3"

  @Option(help: ArgumentHelp("Also write all times to a file.", valueName: "file"))
  var json: String?

  static func main() { runTool() }

  func validate() throws {
    guard (1...1000).contains(rounds) else {
      throw ValidationError("--rounds needs a whole number from 1 to 1000, not \(rounds)")
    }
    guard seconds > 0, seconds <= 3600 else {
      throw ValidationError("--seconds needs a positive number up to 3600, not \(seconds)")
    }
    if let threads, !(1...4096).contains(threads) {
      throw ValidationError("--threads needs a whole number from 1 to 4096, not \(threads)")
    }
    if selected.isEmpty {
      throw ValidationError("--filter \(filter ?? "") fits none of \(Self.all.map(\.name).joined(separator: ", "))")
    }
  }

  private static var all: [Benchmark] { Benchmark.training + Benchmark.sampling + Benchmark.operators }

  private var selected: [Benchmark] { Self.all.filter { filter.map($0.name.contains) ?? true } }

  func run() throws {
    #if DEBUG
      note("this is a debug build, whose times mean nothing: use swift run -c release Benchmarks")
    #endif
    // As the command-line tools do.
    Engine.keepFreedMemory()
    let machine = Machine.current
    if machine.load > 0.5 { note("the machine is busy (load \(machine.load)); the times will be noisy") }
    var versions: Peer.Versions?
    do { versions = try Peer.versions(python: python) } catch { note("\(error)") }
    var report = Report(date: Date(), machine: machine, libtorch: Engine.version, peer: versions)
    let peer = versions.map { "PyTorch \($0.torch), Python \($0.python)" } ?? "no PyTorch"
    print(
      "\(machine.processor), \(machine.processorCount) processors; libtorch \(Engine.version); \(peer)\n\n\(Table.header)"
    )
    for benchmark in selected {
      for threads in threadCounts(of: benchmark, processors: machine.processorCount) {
        let comparison = try Comparison.run(
          benchmark, threads: threads, rounds: rounds, secondsPerRound: seconds,
          peer: versions == nil ? nil : startPeer(benchmark, threads: threads))
        print(Table.row(comparison, benchmark.measure))
        fflush(nil)
        report.comparisons.append(comparison)
      }
    }
    if let json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      encoder.dateEncodingStrategy = .iso8601
      encoder.nonConformingFloatEncodingStrategy = .convertToString(
        positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
      try AtomicFile.write(try encoder.encode(report), to: json)
    }
  }

  private func threadCounts(of benchmark: Benchmark, processors: Int) -> [Int] {
    if let threads { return [threads] }
    return benchmark.isParallel && processors > 1 ? [processors, 1] : [1]
  }

  /// A peer, or `nil` and a sentence why not.
  private func startPeer(_ benchmark: Benchmark, threads: Int) -> Peer? {
    do {
      return try Peer(benchmark.name, threads: threads, python: python)
    } catch {
      note("\(error)")
      return nil
    }
  }

  private func note(_ sentence: String) { FileHandle.standardError.write(Data("note: \(sentence)\n".utf8)) }
}
