internal import Files
import Foundation
internal import ScoreTraining

/// The report of a run after every few steps: one line of `RUN/metrics.jsonl`, which is a JSON object.
struct MetricsRecord: Codable, Hashable, Sendable {
  /// The last step of the interval.
  var step: Int
  /// The mean loss over the interval.
  var loss: Double
  /// The mean norm of the gradient before clipping.
  var gradientNorm: Double
  /// The learning rate of the last step.
  var learningRate: Double
  /// The decay of the moving average at the last step.
  var emaDecay: Double
  /// Training examples for each second.
  var examplesPerSecond: Double
  /// A summary of the projected steps; `nil` without projected steps.
  var projection: ProjectionRecord?

  enum CodingKeys: String, CodingKey {
    case step, loss, projection
    case gradientNorm = "gradient-norm"
    case learningRate = "learning-rate"
    case emaDecay = "ema-decay"
    case examplesPerSecond = "examples-per-second"
  }
}

/// A summary of the projected steps of an interval.
struct ProjectionRecord: Codable, Hashable, Sendable {
  /// ‖c‖ before the last projected step.
  var constraintNorm: Double
  /// The largest ‖A·Δθ′ + γ·c‖ of the interval.
  var residualNorm: Double
  /// The mean number of iterations.
  var iterations: Double
  /// Why the solver stopped at the last projected step.
  var stopReason: String
  /// The constraint's own measurements at the last projected step.
  var measurements: [String: Double]

  init?(_ reports: [ProjectionReport]) {
    guard let last = reports.last else { return nil }
    constraintNorm = last.constraintNorm
    residualNorm = reports.map(\.residualNorm).max() ?? 0
    iterations = Double(reports.map(\.iterations).reduce(0, +)) / Double(reports.count)
    stopReason = "\(last.stopReason)"
    measurements = last.measurements
  }

  enum CodingKeys: String, CodingKey {
    case iterations, measurements
    case constraintNorm = "constraint-norm"
    case residualNorm = "residual-norm"
    case stopReason = "stop-reason"
  }
}

/// The file of a run's metrics, with its records.
struct MetricsFile {
  let path: String
  private(set) var records: [MetricsRecord] = []

  init(path: String) { self.path = path }

  mutating func append(_ record: MetricsRecord) throws {
    records.append(record)
    try AtomicFile.append(Self.line(record), to: path)
  }

  /// Reads the file and drops the records after a step, so that a resumed run does not write them twice.
  ///
  /// A line that cannot be read, such as one torn by a crash, is dropped too.
  mutating func truncate(after step: Int) throws {
    let data: Data
    do throws(FileError) {
      data = try AtomicFile.read(path)
    } catch {
      if error.isMissing { return }
      throw error
    }
    records = data.split(separator: UInt8(ascii: "\n"))
      .compactMap { try? JSONDecoder().decode(MetricsRecord.self, from: Data($0)) }
      .filter { $0.step <= step }
    try AtomicFile.write(Data(try records.map(Self.line).joined()), to: path)
  }

  /// Waits until all appended lines are on the disk.
  func flush() throws { try AtomicFile.flush(path) }

  private static func line(_ record: MetricsRecord) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return try encoder.encode(record) + Data("\n".utf8)
  }
}

/// The steps since the last line of metrics, and the time for the steps that this process took.
struct MetricsInterval {
  private(set) var reports: [Trainer.Report]
  private var start = ContinuousClock.now
  private var timed = 0

  /// Begins with the steps that an earlier process took.
  init(_ reports: [Trainer.Report] = []) { self.reports = reports }

  mutating func add(_ report: Trainer.Report) {
    reports.append(report)
    timed += 1
  }

  /// Leaves out the time since the last step.
  mutating func restartClock() {
    start = .now
    timed = 0
  }

  /// Steps for each second.
  var rate: Double {
    let elapsed = (ContinuousClock.now - start) / .seconds(1)
    return elapsed > 0 ? Double(timed) / elapsed : 0
  }

  /// The line of metrics.
  func record(examplesPerSecond: Double) -> MetricsRecord {
    let count = Double(max(reports.count, 1))
    return MetricsRecord(
      step: reports.last?.step ?? 0, loss: reports.map(\.loss).reduce(0, +) / count,
      gradientNorm: reports.map(\.gradientNorm).reduce(0, +) / count, learningRate: reports.last?.learningRate ?? 0,
      emaDecay: reports.last?.averageDecay ?? 0, examplesPerSecond: examplesPerSecond,
      projection: ProjectionRecord(reports.compactMap(\.projection)))
  }
}
