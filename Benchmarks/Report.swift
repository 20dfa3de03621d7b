import Foundation
import ScoreKit

/// All that a run of the benchmarks found out, as `--json` writes it.
struct Report: Codable {
  /// When the run began.
  let date: Date
  /// Where it ran.
  let machine: Machine
  /// The version of libtorch under ScoreKit.
  let libtorch: String
  /// The peer's versions.
  let peer: Peer.Versions?
  /// The results.
  var comparisons: [Comparison] = []
  /// What records of solves keep in memory.
  var memory: [RecordMemory] = []
  /// What training with projections takes.
  var projectionMemory: [ProjectionMemory] = []
  /// How long it takes to train conservative scores.
  var conservativeTimes: [ConservativeTime] = []
}

/// The machine that times were measured on.
struct Machine: Codable {
  /// The processor's name.
  let processor: String
  /// The number of processors.
  let processorCount: Int
  /// The mean number of running processes over the last minute, at the start.
  let load: Double

  /// This machine, now.
  static var current: Machine {
    var load = 0.0
    let known = getloadavg(&load, 1) == 1
    return Machine(
      processor: processorName, processorCount: ProcessInfo.processInfo.activeProcessorCount, load: known ? load : .nan)
  }

  private static var processorName: String {
    #if os(macOS)
      var size = 0
      sysctlbyname("machdep.cpu.brand_string", nil, &size, nil, 0)
      var bytes = [UInt8](repeating: 0, count: size)
      sysctlbyname("machdep.cpu.brand_string", &bytes, &size, nil, 0)
      return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    #else
      let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n") ?? []
      let name = lines.first { $0.hasPrefix("model name") }?.split(separator: ":").last
      return name.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown processor"
    #endif
  }
}

/// The lines of the table.
enum Table {
  static let header = """
    | case | threads | unit | ScoreKit | peer | | time ratio | range |
    |---|---:|---|---:|---:|---|---:|---:|
    """

  static func row(_ comparison: Comparison, _ measure: Benchmark.Measure) -> String {
    func shown(_ seconds: [Double]) -> String { digits(measure.value(seconds: median(seconds))) }
    let ratio = comparison.ratio
    let cells = [
      comparison.name + (comparison.note.map { ": \($0)" } ?? ""), "\(comparison.threads)", measure.unit,
      shown(comparison.scoreKit), comparison.peer.map(shown) ?? "–", comparison.peerName,
      ratio.map { fixed($0.median, 2) } ?? "–",
      ratio.map { "\(fixed($0.range.lowerBound, 2))–\(fixed($0.range.upperBound, 2))" } ?? "–",
    ]
    return "| " + cells.joined(separator: " | ") + " |"
  }

  /// Three significant digits or all before the point.
  private static func digits(_ value: Double) -> String {
    fixed(value, value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3)
  }

  private static func fixed(_ value: Double, _ places: Int) -> String { String(format: "%.\(places)f", value) }
}
