internal import Foundation

extension Engine {
  /// The system does not allow this process the requested number of threads.
  public struct ThreadsUnavailable: Error, CustomStringConvertible, Equatable {
    /// One sentence: how many, why, and what to do.
    public let description: String
  }

  /// Sets the number of threads that operators use, and checks that the system allows that many.
  ///
  /// Without the check a failure would come later: OpenMP starts its threads at the first operator that uses several
  /// threads and ends the process if it cannot; libtorch's other pool would wait for ever.
  ///
  /// - Parameter count: the number; `nil` keeps `threadCount`.
  /// - Throws: `ThreadsUnavailable`.
  public static func startThreads(_ count: Int? = nil) throws(ThreadsUnavailable) {
    let number = count ?? threadCount
    // Each of the two pools will have this number. The threads are started together here, as the pools will start them.
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
