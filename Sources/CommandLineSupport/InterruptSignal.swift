import Foundation
import Synchronization

/// Ctrl-C and termination signals.
///
/// They end a tool at once, but for work that asks whether a signal has come in and ends in order, `deferred`. A second
/// signal ends that at once too.
public enum InterruptSignal {
  private static let isRaised = Atomic<Bool>(false)
  private static let isDeferred = Atomic<Bool>(false)

  /// Whether a signal has come in during deferred work.
  public static var wasReceived: Bool { isRaised.load(ordering: .relaxed) }

  /// Does work that looks at `wasReceived` often enough to be ended by it.
  public static func deferred<Result>(_ work: () throws -> Result) rethrows -> Result {
    isDeferred.store(true, ordering: .relaxed)
    defer { isDeferred.store(false, ordering: .relaxed) }
    return try work()
  }

  /// Starts to listen, also where the parent process had the signals blocked or ignored.
  static func install() {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM, SIGQUIT] { sigaddset(&signals, number) }
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        if !InterruptSignal.isDeferred.load(ordering: .relaxed) {
          // Only what is allowed in a handler; files that are being written have temporary names.
          _ = write(STDERR_FILENO, "stopped\n", 8)
          _exit(ExitStatus.interrupted.rawValue)
        }
        InterruptSignal.isRaised.store(true, ordering: .relaxed)
        signal(number, SIG_DFL)
      }
    }
    // Swift's own handler takes it for a crash.
    signal(SIGQUIT, SIG_DFL)
  }
}
