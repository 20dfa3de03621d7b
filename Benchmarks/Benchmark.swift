/// Something that ScoreKit and its peer both do, to be timed side by side.
struct Benchmark {
  /// What is counted.
  enum Measure {
    /// So many of a unit in each iteration: the table shows how many there are in a second.
    case rate(of: String, perIteration: Double)
    /// Many operations in each iteration: the table shows microseconds for each.
    case microseconds(operations: Double)
  }

  /// What the table, `--filter` and the peer's script call it.
  let name: String
  let measure: Measure
  /// Whether it is worth timing with more than one thread.
  let isParallel: Bool
  /// Builds what is timed.
  let prepare: () throws -> Workload
}

/// What is timed.
struct Workload {
  /// The number of parameters of the network, to be compared with the peer's; 0 without one.
  var parameterCount = 0
  /// Does the work a number of times.
  let run: (_ iterations: Int) throws -> Void
}

extension Benchmark.Measure {
  /// The unit of `value(seconds:)`.
  var unit: String {
    switch self {
    case .rate(let unit, _): "\(unit)/s"
    case .microseconds: "µs"
    }
  }

  /// What the table shows for an iteration that took so many seconds.
  func value(seconds: Double) -> Double {
    switch self {
    case .rate(_, let count): count / seconds
    case .microseconds(let operations): seconds / operations * 1e6
    }
  }
}
