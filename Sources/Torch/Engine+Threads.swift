internal import Foundation

extension Engine {
  /// The system does not let this process have as many threads as were asked for.
  public struct ThreadsUnavailable: Error, CustomStringConvertible, Equatable {
    /// One sentence: how many, why, and what to do.
    public let description: String
  }

  /// Sets the number of threads that operators use and makes sure that the system lets the process have them.
  ///
  /// OpenMP, which starts the threads at the first operator that is shared, ends the process where it cannot, and libtorch's
  /// other pool waits for ever.
  ///
  /// - Parameter count: the number; `nil` leaves `threadCount`.
  /// - Throws: `ThreadsUnavailable`.
  public static func startThreads(_ count: Int? = nil) throws(ThreadsUnavailable) {
    let number = count ?? threadCount
    // Each of both pools has so many. They are started together, as the pools will.
    let gate = Gate()
    var threads: [pthread_t] = []
    var failure: Int32 = 0
    for _ in 0..<(number > 1 ? 2 * number : 0) {
      guard let thread = gate.startThread(&failure) else { break }
      threads.append(thread)
    }
    gate.open()
    for thread in threads { pthread_join(thread, nil) }
    if failure != 0 {
      throw ThreadsUnavailable(
        description:
          "cannot start \(number) threads: \(String(cString: strerror(failure)).lowercased()); use fewer, or "
          + "raise the limits on processes and memory (ulimit -u, ulimit -v)")
    }
    if let count { threadCount = count }
  }
}

/// Holds threads until it is opened.
private final class Gate {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t> = .allocate(capacity: 1)

  init() {
    pthread_mutex_init(mutex, nil)
    pthread_mutex_lock(mutex)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  func open() { pthread_mutex_unlock(mutex) }

  func startThread(_ failure: inout Int32) -> pthread_t? {
    #if canImport(Darwin)
      var thread: pthread_t?
    #else
      var thread = pthread_t()
    #endif
    failure = pthread_create(
      &thread, nil,
      { argument in
        #if canImport(Darwin)
          let mutex = argument.assumingMemoryBound(to: pthread_mutex_t.self)
        #else
          guard let mutex = argument?.assumingMemoryBound(to: pthread_mutex_t.self) else { return nil }
        #endif
        pthread_mutex_lock(mutex)
        pthread_mutex_unlock(mutex)
        return nil
      }, mutex)
    return failure == 0 ? thread : nil
  }
}
