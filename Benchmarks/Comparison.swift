import Foundation
import ScoreKit

/// The times of one benchmark, of ScoreKit's and the peer's iterations by turns.
struct Comparison: Codable {
  let name: String
  let peerName: String
  /// What else is to be said, such as the iterations that both solvers took.
  let note: String?
  let threads: Int
  let iterationsPerRound: Int
  let parameterCount: Int
  /// Seconds for an iteration, round by round.
  let scoreKit: [Double]
  /// The same of the peer; `nil` without one.
  let peer: [Double]?

  /// ScoreKit's time over the peer's: of the medians, and the smallest and largest of a round.
  var ratio: (median: Double, range: ClosedRange<Double>)? {
    guard let peer, peer.count == scoreKit.count, !peer.isEmpty else { return nil }
    let ratios = zip(scoreKit, peer).map { $0 / $1 }
    return (median(scoreKit) / median(peer), (ratios.min() ?? 0)...(ratios.max() ?? 0))
  }

  /// The number of rounds at the start that do not count.
  static let warmupRounds = 1

  /// Runs a benchmark that has been prepared.
  ///
  /// - Throws: `Peer.Failure` if the peer's network is another one.
  static func run(
    _ benchmark: Benchmark, _ workload: Workload, threads: Int, rounds: Int, secondsPerRound: Double, peer: Peer?
  ) throws -> Comparison {
    if let peer, workload.solverIterations == nil, peer.count != workload.parameterCount {
      throw Peer.Failure(
        description: "\(benchmark.name): the peer's network has \(peer.count) parameters, ScoreKit's "
          + "\(workload.parameterCount): they are not the same")
    }
    let note = workload.solverIterations.map { mine in
      "\(mine)\(peer.map { ", \($0.count)" } ?? "") iterations"
    }
    let time = workload.run
    let timePeer = workload.peer ?? peer.map { peer in { try peer.run($0) } }
    // The first iteration also initialises libraries; the number grows until a round can be estimated from it.
    var iterations = 1
    var seconds = try time(iterations)
    if seconds < secondsPerRound { seconds = try time(iterations) }
    while seconds < secondsPerRound / 20 {
      iterations *= 4
      seconds = try time(iterations)
    }
    let count = max(1, Int((Double(iterations) * secondsPerRound / seconds).rounded()))
    var (ours, theirs): ([Double], [Double]) = ([], [])
    for round in 0..<(warmupRounds + rounds) {
      let mine = try time(count) / Double(count)
      // Idle threads of the engine spin for some milliseconds before they sleep.
      Thread.sleep(forTimeInterval: 0.05)
      let other = try timePeer.map { try $0(count) / Double(count) }
      Thread.sleep(forTimeInterval: 0.05)
      guard round >= warmupRounds else { continue }
      ours.append(mine)
      if let other { theirs.append(other) }
    }
    return Comparison(
      name: benchmark.name, peerName: benchmark.peer, note: note ?? workload.note, threads: threads,
      iterationsPerRound: count, parameterCount: workload.parameterCount, scoreKit: ours,
      peer: timePeer == nil ? nil : theirs)
  }
}

/// The middle of some numbers, or the mean of the two in the middle.
func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  let middle = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
