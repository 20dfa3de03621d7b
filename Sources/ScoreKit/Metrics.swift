import Foundation

/// What a run reports every few steps: one JSON object on each line of `RUN/metrics.jsonl`.
public struct MetricsRecord: Codable, Hashable, Sendable {
  /// The last step of the interval.
  public var step: Int
  /// The mean loss over the interval.
  public var loss: Double
  /// The mean norm of the gradient before clipping.
  public var gradientNorm: Double
  /// The learning rate of the last step.
  public var learningRate: Double
  /// The decay of the moving average at the last step.
  public var emaDecay: Double
  /// Training examples for each second.
  public var examplesPerSecond: Double

  enum CodingKeys: String, CodingKey {
    case step, loss
    case gradientNorm = "gradient-norm"
    case learningRate = "learning-rate"
    case emaDecay = "ema-decay"
    case examplesPerSecond = "examples-per-second"
  }
}

/// The file of a run's metrics.
struct MetricsFile {
  let path: String

  /// The records up to a step; lines that cannot be read, such as one torn by a crash, are left out.
  func records(through step: Int = .max) -> [MetricsRecord] {
    guard let data = try? AtomicFile.read(path) else { return [] }
    return data.split(separator: UInt8(ascii: "\n"))
      .compactMap { try? JSONDecoder().decode(MetricsRecord.self, from: Data($0)) }
      .filter { $0.step <= step }
  }

  func append(_ record: MetricsRecord) throws {
    try AtomicFile.append(Self.line(record), to: path)
  }

  /// Drops what was recorded after a step, so that a resumed run does not record it twice.
  func truncate(after step: Int) throws {
    guard FileManager.default.fileExists(atPath: path) else { return }
    try AtomicFile.write(Data(try records(through: step).map(Self.line).joined()), to: path)
  }

  private static func line(_ record: MetricsRecord) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return try encoder.encode(record) + Data("\n".utf8)
  }
}
