/// Something that ScoreKit and its peer both do, to be timed side by side.
struct Benchmark {
  /// What is counted.
  enum Measure {
    /// So many of a unit in each iteration: the table shows how many there are in a second.
    case rate(of: String, perIteration: Double)
    /// Many operations in each iteration: the table shows microseconds for each.
    case microseconds(operations: Double)
    /// The time of an iteration.
    case milliseconds
  }

  /// What the table, `--filter` and the peer's script call it.
  let name: String
  let measure: Measure
  /// Whether it is worth timing with more than one thread.
  let isParallel: Bool
  /// What does the same work, as the table names it.
  var peer = "PyTorch"
  /// Whether it is worth timing where the peer is missing.
  var isTimedAlone = true
  /// Builds what is timed.
  let prepare: () throws -> Workload
}

/// What is timed.
struct Workload {
  /// Does the work a number of times; the seconds that it took.
  typealias Timed = (_ iterations: Int) throws -> Double

  /// The number of parameters of the network, to be compared with the peer's; 0 without one.
  var parameterCount = 0
  /// The number of iterations that a solver took, to be shown beside the peer's.
  var solverIterations: Int?
  /// Something to be shown with the case.
  var note: String?
  /// The folder with the peer's input.
  var folder: TemporaryFolder?
  /// The peer, where it is not a script.
  var peer: Timed?
  let run: Timed

  /// Makes a workload of which all is timed.
  init(parameterCount: Int = 0, _ run: @escaping (_ iterations: Int) throws -> Void) {
    self.parameterCount = parameterCount
    self.run = Self.timed(run)
  }

  /// Makes a workload and its peer in this process, which time themselves.
  init(timed run: @escaping Timed, peer: @escaping Timed) {
    self.run = run
    self.peer = peer
  }

  static func timed(_ run: @escaping (_ iterations: Int) throws -> Void) -> Timed {
    { iterations in try TimeKeeping.current.seconds { try run(iterations) } }
  }
}

extension Benchmark.Measure {
  /// The unit of `value(seconds:)`.
  var unit: String {
    switch self {
    case .rate(let unit, _): "\(unit)/s"
    case .microseconds: "µs"
    case .milliseconds: "ms"
    }
  }

  /// What the table shows for an iteration that took so many seconds.
  func value(seconds: Double) -> Double {
    switch self {
    case .rate(_, let count): count / seconds
    case .microseconds(let operations): seconds / operations * 1e6
    case .milliseconds: seconds * 1e3
    }
  }
}
