internal import Dispatch
internal import Synchronization
internal import Torch

/// Examples that are read from their files when they are wanted, the next ones while the present ones are being used.
///
/// Memory holds two batches, however many examples there are.
final class ExampleStream {
  let reader: any ExampleReader
  private var pending: Reading?

  init(_ reader: any ExampleReader) { self.reader = reader }

  /// The examples at positions `[batch]`: bytes of pictures or `float32` of points.
  ///
  /// - Throws: `DataError` for what turns out to be damaged or has become unreadable.
  func read(_ positions: [Int]) throws(DataError) -> Tensor {
    let bytes: [UInt8]
    if let pending, pending.positions == positions {
      self.pending = nil
      bytes = try pending.result()
    } else {
      bytes = try reader.read(positions)
    }
    return bytes.withUnsafeBytes {
      Tensor(bytes: $0, dtype: reader.isImages ? .uint8 : .float32, shape: [positions.count] + reader.shape)
    }
  }

  /// Begins to read examples on another thread; the next `read` of the same positions takes them.
  func prefetch(_ positions: [Int]) { pending = Reading(positions, from: reader) }

  /// A batch that is being read.
  private final class Reading: Sendable {
    let positions: [Int]
    private let isDone = DispatchSemaphore(value: 0)
    private let outcome = Mutex<Result<[UInt8], DataError>?>(nil)

    init(_ positions: [Int], from reader: any ExampleReader) {
      self.positions = positions
      DispatchQueue.global(qos: .userInitiated).async {
        let result = Result { () throws(DataError) in try reader.read(positions) }
        self.outcome.withLock { $0 = result }
        self.isDone.signal()
      }
    }

    /// Waits for the batch; called once.
    func result() throws(DataError) -> [UInt8] {
      isDone.wait()
      guard let result = outcome.withLock({ $0 }) else { preconditionFailure("a batch was done without a result") }
      return try result.get()
    }
  }
}
