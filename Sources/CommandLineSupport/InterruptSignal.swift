import Foundation
import Synchronization

/// Whether the user has asked the process to end, by Ctrl-C or a termination signal.
///
/// The first signal asks for an orderly end at the next opportunity; a second one ends the process at once.
public enum InterruptSignal {
  private static let isRaised = Atomic<Bool>(false)

  /// Whether a signal has come in.
  public static var wasReceived: Bool { isRaised.load(ordering: .relaxed) }

  /// Starts to listen, also where the parent process had the signals blocked or ignored.
  public static func install() {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM] { sigaddset(&signals, number) }
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        InterruptSignal.isRaised.store(true, ordering: .relaxed)
        signal(number, SIG_DFL)
      }
    }
  }
}
