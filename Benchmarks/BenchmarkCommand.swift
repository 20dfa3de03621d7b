import ArgumentParser
import CommandLineSupport
import Foundation
import ScoreKit

extension SparseTraining: ExpressibleByArgument {}
extension KernelStep: ExpressibleByArgument {}

@main
struct BenchmarkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "Benchmarks",
    abstract: "Times ScoreKit and others doing the same work by turns, and prints both.",
    discussion: """
      Example: swift run -c release Benchmarks --filter train --python python3

      The time ratio is ScoreKit's time over the peer's: below 1, ScoreKit is faster. Run it on an idle machine.
      """)

  @Option(help: ArgumentHelp("Only the cases whose names contain this.", valueName: "text"))
  var filter: String?

  @Option(help: ArgumentHelp("The rounds that count, after one that does not.", valueName: "n"))
  var rounds = 7

  @Option(help: ArgumentHelp("About how long ScoreKit's part of a round lasts.", valueName: "s"))
  var seconds = 0.5

  @Option(
    help: ArgumentHelp(
      "The number of threads; by default as many as processors, and then one. Operators are timed with one.",
      valueName: "n"))
  var threads: Int?

  @Flag(
    help: """
      Time processors instead of the clock on the wall, for measurements with one thread on a machine that others use too.
      """)
  var processorTime = false

  @Option(help: ArgumentHelp("The Python that has the peers' packages.", valueName: "path"))
  var python = "python3"

  @Option(help: ArgumentHelp("Also write all times to a file.", valueName: "file"))
  var json: String?

  // What the benchmark of memory starts itself with.
  @Option(help: .hidden) var peakOf: SparseTraining?
  @Flag(help: .hidden) var giveMemoryBack = false
  // What the benchmarks of kernels start themselves with.
  @Option(help: .hidden) var kernelStep: KernelStep?

  static func main() { runTool() }

  func validate() throws {
    try check("rounds", rounds, in: 1...1000)
    try check("seconds", seconds, "needs a positive number up to 3600") { $0 > 0 && $0 <= 3600 }
    try check("threads", threads, in: 1...4096)
    let reports = [ProjectionMemory.name, ConservativeTime.name]
    if selected.isEmpty, selectedRecords.isEmpty, !reports.contains(where: isSelected) {
      let names = Self.all.map(\.name) + RecordMemory.names + reports
      throw ValidationError("--filter \(filter ?? "") fits none of \(names.joined(separator: ", "))")
    }
  }

  private static var all: [Benchmark] {
    Benchmark.training + Benchmark.sampling + Benchmark.operators + Benchmark.leastSquaresGradients
      + Benchmark.leastSquaresSolves + Benchmark.leastSquaresTraffic + Benchmark.leastSquaresMethods
      + Benchmark.sparsity + Benchmark.symmetry + Benchmark.kernels
  }

  private func isSelected(_ name: String) -> Bool { filter.map(name.contains) ?? true }
  private var selected: [Benchmark] { Self.all.filter { isSelected($0.name) } }
  private var selectedRecords: [String] { RecordMemory.names.filter(isSelected) }

  func run() throws {
    #if DEBUG
      note("this is a debug build, whose times mean nothing: use swift run -c release Benchmarks")
    #endif
    // As the command-line tools do.
    if !giveMemoryBack { Engine.keepFreedMemory() }
    if let peakOf { return print(try ProjectionMemory.peak(of: peakOf)) }
    if let kernelStep {
      if let threads { Engine.threadCount = threads }
      return try kernelStep.serve()
    }
    if processorTime { TimeKeeping.current = .processor }
    let machine = Machine.current
    if machine.load > 0.5 { note("the machine is busy (load \(machine.load)); the times will be noisy") }
    var versions: Peer.Versions?
    do { versions = try Peer.versions(python: python) } catch { note("\(error)") }
    var report = Report(date: Date(), machine: machine, libtorch: Engine.version, peer: versions)
    let packages = versions?.packages.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" } ?? []
    let described = versions.map { (["Python \($0.python)"] + packages).joined(separator: ", ") } ?? "no Python"
    print("\(machine.processor), \(machine.processorCount) processors; libtorch \(Engine.version); \(described)\n")
    if !selected.isEmpty { print(Table.header) }
    for benchmark in selected {
      for threads in threadCounts(of: benchmark, processors: machine.processorCount) {
        guard let comparison = try compare(benchmark, threads: threads, hasPython: versions != nil) else { continue }
        print(Table.row(comparison, benchmark.measure))
        fflush(nil)
        report.comparisons.append(comparison)
      }
    }
    if !selectedRecords.isEmpty { print("\n\(RecordMemory.header)") }
    for name in selectedRecords {
      let rows = try RecordMemory.measure(name)
      for row in rows { print(row.line) }
      fflush(nil)
      report.memory += rows
    }
    if isSelected(ProjectionMemory.name) {
      report.projectionMemory = try ProjectionMemory.measure()
      print((["\n\(ProjectionMemory.header)"] + report.projectionMemory.map(\.line)).joined(separator: "\n"))
    }
    if isSelected(ConservativeTime.name) {
      print("\n\(ConservativeTime.header)")
      report.conservativeTimes = try ConservativeTime.measure { row in
        print(row.line)
        fflush(nil)
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

  /// The comparison, or `nil` and a sentence where the peer is missing and the case pointless without it.
  private func compare(_ benchmark: Benchmark, threads: Int, hasPython: Bool) throws -> Comparison? {
    Engine.threadCount = threads
    let workload = try benchmark.prepare()
    var peer: Peer?
    if workload.peer == nil {
      if hasPython {
        do {
          peer = try Peer(benchmark.name, threads: threads, folder: workload.folder?.path, python: python)
        } catch {
          note("\(error)")
        }
      }
      if peer == nil, !benchmark.isTimedAlone {
        note("\(benchmark.name) is left out, since \(benchmark.peer) is missing")
        return nil
      }
    }
    return try Comparison.run(
      benchmark, workload, threads: threads, rounds: rounds, secondsPerRound: seconds, peer: peer)
  }

  private func note(_ sentence: String) { FileHandle.standardError.write(Data("note: \(sentence)\n".utf8)) }
}
