import Foundation

/// What time is taken of: that which passes, or that of processors.
enum TimeKeeping {
  /// The time that passes.
  case wall
  /// The time that all threads of a process spend on processors, in which other processes' work hardly shows.
  case processor

  /// That of this run; chosen before anything is timed.
  nonisolated(unsafe) static var current = wall

  /// The seconds that a closure takes.
  func seconds(_ body: () throws -> Void) rethrows -> Double {
    switch self {
    case .wall: return try ContinuousClock().measure(body) / .seconds(1)
    case .processor:
      let start = Self.processorSeconds
      try body()
      return Self.processorSeconds - start
    }
  }

  private static var processorSeconds: Double {
    var time = timespec()
    precondition(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0, "the system has no clock of processor time")
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
