import Foundation
import Synchronization

/// Ctrl-C and termination signals.
///
/// A signal ends a tool at once, except during `deferred` work, which checks for signals and ends in order. A second
/// signal ends `deferred` work at once too.
public enum InterruptSignal {
  private static let isRaised = Atomic<Bool>(false)
  private static let isDeferred = Atomic<Bool>(false)

  /// Whether a signal has arrived during deferred work.
  public static var wasReceived: Bool { isRaised.load(ordering: .relaxed) }

  /// Runs work that checks `wasReceived` often and stops if it is true.
  public static func deferred<Result>(_ work: () throws -> Result) rethrows -> Result {
    isDeferred.store(true, ordering: .relaxed)
    defer { isDeferred.store(false, ordering: .relaxed) }
    return try work()
  }

  /// Installs the handlers, also if the parent process has blocked or ignored the signals.
  static func install() {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM, SIGQUIT] { sigaddset(&signals, number) }
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        if !InterruptSignal.isDeferred.load(ordering: .relaxed) {
          // Only calls that are allowed in a handler. Files that are being written have temporary names.
          _ = write(STDERR_FILENO, "stopped\n", 8)
          _exit(ExitStatus.interrupted.rawValue)
        }
        InterruptSignal.isRaised.store(true, ordering: .relaxed)
        signal(number, SIG_DFL)
      }
    }
    // Swift's own handler treats SIGQUIT as a crash.
    signal(SIGQUIT, SIG_DFL)
  }
}
