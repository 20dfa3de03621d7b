internal import CTorch
internal import Files

/// A failure of the engine: the operation and libtorch's own message; or a mistake in the use of the package.
public struct EngineError: Error, CustomStringConvertible, Equatable {
  /// The operation, such as "matmul"; empty if no operator failed.
  public let operation: String
  /// libtorch's message, or what is wrong.
  public let message: String

  /// Operation and message in one sentence.
  public var description: String { operation.isEmpty ? message : "\(operation): \(message)" }

  /// Whether memory was insufficient.
  public var isOutOfMemory: Bool {
    ["allocate memory", "not enough memory", "out of memory", "std::bad_alloc"].contains {
      message.lowercased().contains($0)
    }
  }

  init(_ operation: String) {
    self.operation = operation
    // libtorch ends its messages with hints over several lines; the first sentence says what was wrong.
    message = String(cString: ctorch_error_message()).split(separator: "\n").first.map(String.init) ?? "unknown error"
  }

  /// A mistake of which the engine does not know.
  fileprivate init(mistake: String) {
    operation = ""
    message = mistake
  }
}

/// The engine as a whole: its version, threads and live handles.
public enum Engine {
  /// The version of libtorch that this was compiled against.
  public static var version: String { String(cString: ctorch_version()) }

  /// The number of threads that operators use.
  ///
  /// Results are reproducible bit for bit with the same number of threads, but not between different numbers. Random
  /// numbers do not depend on it. Setting it affects the calling thread and threads that have not used tensors yet.
  public static var threadCount: Int {
    get { Int(ctorch_thread_count()) }
    set {
      demand(newValue > 0, "the number of threads must be positive, not \(newValue)")
      check("set the number of threads", ctorch_set_thread_count(Int32(clamping: newValue)))
    }
  }

  /// The number of tensor handles alive in this process.
  public static var liveHandles: Int { Int(ctorch_live_handles()) }

  /// The number of tensor handles that this thread made minus the number that it freed.
  ///
  /// Tensors stay on their thread, so a leak test can compare this before and after while other threads work.
  public static var liveHandlesOfThread: Int { Int(ctorch_live_handles_of_thread()) }

  /// Sets a closure that is called before a failed operator or a mistake in the use of the package ends the process.
  ///
  /// A tool uses it to report the failure in its own words and to exit with its own status. Without it, or if it returns, the
  /// failure goes to standard error as `error: …` and the exit status is 70, in debug and release builds.
  ///
  /// An operator fails if its operands do not fit, which is a mistake in the program, or if memory runs out.
  public static func onFailure(_ handler: @escaping @Sendable (EngineError) -> Void) {
    ProgramEnding.setHandler { handler($0 as? EngineError ?? EngineError(mistake: $0.description)) }
  }

  /// Keeps freed memory for later tensors instead of returning it to the system.
  ///
  /// Training steps and iterative solvers free and allocate the same sizes again and again; without this, every step
  /// has page faults for memory that it had before. Up to 1 GiB of blocks of 1 MiB and more is kept, and released if
  /// memory runs out. With glibc, smaller blocks are kept up to their peak. The command-line tools call this function.
  /// It affects tensors made afterwards.
  public static func keepFreedMemory() { ctorch_keep_freed_memory() }
}

/// Ends the process with libtorch's message unless a call succeeded.
func check(_ operation: StaticString, _ status: Int32, _ operands: @autoclosure () -> [Tensor] = []) {
  if status != CTORCH_OK { trap(operation, operands()) }
}

/// Ends the process with the operator, the operands' shapes and libtorch's message.
func trap(_ operation: StaticString, _ operands: [Tensor]) -> Never {
  let shapes = operands.map { "\($0.dtype)\($0.shape)" }.joined(separator: ", ")
  ProgramEnding.end(EngineError("\(operation)(\(shapes))"))
}

/// Calls a function of the shim that returns one tensor; ends the process with a message that names the operands if it fails.
@inline(__always)
func produce(
  _ operation: StaticString, _ operands: @autoclosure () -> [Tensor],
  _ call: (UnsafeMutablePointer<OpaquePointer?>) -> Int32
) -> Tensor {
  var out: OpaquePointer?
  guard call(&out) == CTORCH_OK, let out else { trap(operation, operands()) }
  return Tensor(adopting: out)
}

/// Calls `body` with the handles of tensors, which stay alive for the duration of the call.
func withHandles<Result>(
  _ tensors: [Tensor], _ body: (UnsafePointer<OpaquePointer>, Int64) -> Result
) -> Result {
  let pointers = tensors.map(\.pointer)
  return withExtendedLifetime(tensors) {
    pointers.withUnsafeBufferPointer { buffer in
      // An empty array has no base address; the shim does not read from it when the count is 0.
      body(buffer.baseAddress ?? UnsafePointer(bitPattern: 8)!, Int64(buffer.count))
    }
  }
}

/// Calls a function of the shim that returns `count` tensors.
func produceMany(
  _ operation: StaticString, count: Int, _ operands: @autoclosure () -> [Tensor],
  _ call: (UnsafeMutablePointer<OpaquePointer?>) -> Int32
) -> [Tensor] {
  if count == 0 { return [] }
  var out = [OpaquePointer?](repeating: nil, count: count)
  guard call(&out) == CTORCH_OK else { trap(operation, operands()) }
  return out.map { pointer in
    guard let pointer else { trap(operation, operands()) }
    return Tensor(adopting: pointer)
  }
}

extension Array where Element == Int {
  /// Calls `body` with the numbers as the shim takes them.
  @inline(__always)
  func withInt64s<Result>(_ body: (UnsafePointer<Int64>?, Int64) -> Result) -> Result {
    // Int and Int64 have the same layout on every 64-bit platform, the only ones that libtorch supports.
    withUnsafeBytes { bytes in
      body(bytes.baseAddress?.assumingMemoryBound(to: Int64.self), Int64(count))
    }
  }
}
