import CommandLineSupport
import Foundation
import ScoreKit

/// How much memory training takes with and without projections on sparse weights, each in a process of its own.
struct ProjectionMemory: Codable {
  /// With freed memory kept, as the tools run, and with it given back to the system.
  struct Pair<Number: Codable>: Codable {
    let kept: Number
    let givenBack: Number
  }

  let training: SparseTraining
  /// The bytes that were resident at most.
  let peak: Pair<Int>
  /// What it takes beyond plain training, in vectors of as many numbers as there are parameters.
  let vectorsBeyondPlain: Pair<Double>

  static let name = "projection-memory/sparsity-50m"
  static let header = """
    | case | peak | beyond plain, in vectors | peak, freed memory given back | beyond plain |
    |---|---:|---:|---:|---:|
    """

  /// Measures all ways to train.
  static func measure() throws -> [ProjectionMemory] {
    let vector = Double(BenchmarkNetwork.large.makeModel().parameterCount * MemoryLayout<Float>.size)
    var plain: Pair<Int>?
    return try SparseTraining.allCases.map { training in
      let peak = try Pair(
        kept: start(training, keepsFreedMemory: true), givenBack: start(training, keepsFreedMemory: false))
      let reference = plain ?? peak
      plain = reference
      return ProjectionMemory(
        training: training, peak: peak,
        vectorsBeyondPlain: Pair(
          kept: Double(peak.kept - reference.kept) / vector,
          givenBack: Double(peak.givenBack - reference.givenBack) / vector))
    }
  }

  /// The peak of a new process.
  private static func start(_ training: SparseTraining, keepsFreedMemory: Bool) throws -> Int {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = ["--peak-of", training.rawValue] + (keepsFreedMemory ? [] : ["--give-memory-back"])
    process.standardOutput = output
    try process.run()
    let data = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    guard process.terminationStatus == 0, let bytes = Int(text) else {
      throw Peer.Failure(description: "\(name): the process that was to train as \(training.rawValue) gave no peak")
    }
    return bytes
  }

  /// The peak of this process after some steps of training.
  static func peak(of training: SparseTraining) throws -> Int {
    let trainer = try training.makeTrainer()
    for _ in 0..<4 { try trainer.advance() }
    return try ResidentMemory.peak()
  }

  /// A row of the table.
  var line: String {
    func gigabytes(_ bytes: Int) -> String { String(format: "%.2f GB", Double(bytes) / 1e9) }
    func vectors(_ count: Double) -> String { training == .plain ? "" : String(format: "%+.2f", count) }
    let cells = [
      "\(Self.name): \(training.rawValue)", gigabytes(peak.kept), vectors(vectorsBeyondPlain.kept),
      gigabytes(peak.givenBack), vectors(vectorsBeyondPlain.givenBack),
    ]
    return "| \(cells.joined(separator: " | ")) |"
  }
}
