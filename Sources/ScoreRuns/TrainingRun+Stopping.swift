/// Ends work that was asked to stop.
private struct Stop: Error {}

extension TrainingRun {
  /// Does work that calls `check` now and then, and ends it there once it is asked to stop.
  ///
  /// - Returns: the result; `nil` if the work was stopped.
  func unlessStopped<Result>(
    _ shouldStop: () -> Bool, _ work: (_ check: @escaping () throws -> Void) throws -> Result
  ) throws -> Result? {
    do {
      return try withoutActuallyEscaping(shouldStop) { shouldStop in
        try work { if shouldStop() { throw Stop() } }
      }
    } catch is Stop {
      return nil
    }
  }
}
