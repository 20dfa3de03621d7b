import CHeap
import CommandLineSupport
import Foundation
import ScoreKit

/// What a recorded solution keeps in memory for its gradient, by the number of iterations.
struct RecordMemory: Codable {
  /// How much memory one way takes.
  struct Size: Codable {
    /// The tensor handles that the record keeps.
    let handles: Int
    /// The bytes that the record keeps; `nil` where the allocator does not tell.
    let record: Int?
    /// The bytes by which resident memory rose at most, from before the solve to after the gradient; `nil` where the system
    /// does not tell.
    let peak: Int?
  }

  let name: String
  let iterations: Int
  let scoreKit: Size
  let unrolled: Size

  static let names = DifferentiableProblem.names.map { "lstsq-memory/\($0)" }
  static let header = """
    | case | iterations | record: ScoreKit | unrolled | handles: ScoreKit | unrolled | peak: ScoreKit | unrolled |
    |---|---:|---:|---:|---:|---:|---:|---:|
    """

  /// Measures one problem.
  static func measure(_ name: String) throws -> [RecordMemory] {
    let problem = try DifferentiableProblem(String(name.drop { $0 != "/" }.dropFirst()))
    // What is allocated once and kept should not count.
    for x in [try problem.solve(iterations: 2).x, try problem.unroll(iterations: 2)] {
      _ = try problem.gradients(of: x)
    }
    return try [10, 25, 50, 100].map { iterations in
      RecordMemory(
        name: name, iterations: iterations, scoreKit: try size(problem) { try problem.solve(iterations: iterations).x },
        unrolled: try size(problem) { try problem.unroll(iterations: iterations) })
    }
  }

  private static func size(_ problem: DifferentiableProblem, _ solve: () throws -> Tensor) throws -> Size {
    heap_trim()
    let residentBefore = try? ResidentMemory.resetPeak()
    let (bytes, handles) = (heap_bytes(), Engine.liveHandles)
    let x = try solve()
    let record = heap_bytes() - bytes
    let recordHandles = Engine.liveHandles - handles
    _ = try problem.gradients(of: x)
    let peak = residentBefore.flatMap { before in (try? ResidentMemory.peak()).map { $0 - before } }
    return Size(handles: recordHandles, record: bytes < 0 ? nil : Int(record), peak: peak)
  }

  /// A row of the table.
  var line: String {
    func megabytes(_ bytes: Int?) -> String { bytes.map { String(format: "%.2f MB", Double($0) / 1e6) } ?? "–" }
    let cells = [
      name, "\(iterations)", megabytes(scoreKit.record), megabytes(unrolled.record), "\(scoreKit.handles)",
      "\(unrolled.handles)", megabytes(scoreKit.peak), megabytes(unrolled.peak),
    ]
    return "| \(cells.joined(separator: " | ")) |"
  }
}
