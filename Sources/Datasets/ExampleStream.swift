internal import Dispatch
internal import Files
internal import Foundation
internal import Synchronization
internal import Torch

/// Examples that are read from their files when needed; the next batch is read while the present batch is used.
///
/// Memory holds two batches, whatever the number of examples.
final class ExampleStream {
  let reader: any ExampleReader
  private var pending: Reading?

  init(_ reader: any ExampleReader) { self.reader = reader }

  /// The examples at positions `[batch]`: bytes of pictures or `float32` of points.
  ///
  /// - Throws: `DataError` if the data turn out to be damaged or have become unreadable.
  func read(_ positions: [Int]) throws(DataError) -> Tensor {
    let bytes: Data
    if let pending, pending.positions == positions {
      self.pending = nil
      bytes = try pending.result()
    } else {
      bytes = try Self.bytes(of: positions, from: reader)
    }
    try requireMemory(bytes.count, for: reader.path)
    return bytes.withUnsafeBytes { tensor($0, count: positions.count) }
  }

  /// All examples.
  ///
  /// - Throws: as `read`.
  func readAll() throws(DataError) -> Tensor {
    if let (bytes, range) = reader.content {
      try requireMemory(range.count, for: reader.path)
      if let all = bytes.withMemory(of: range, { tensor($0, count: reader.count) }) { return all }
    }
    return try read(Array(0..<reader.count))
  }

  private func tensor(_ bytes: UnsafeRawBufferPointer, count: Int) -> Tensor {
    Tensor(bytes: bytes, dtype: reader.isImages ? .uint8 : .float32, shape: [count] + reader.shape)
  }

  private static func bytes(of positions: [Int], from reader: any ExampleReader) throws(DataError) -> Data {
    let size = positions.count.multipliedReportingOverflow(by: reader.exampleSize)
    guard !size.overflow else { throw DataError(Memory.lack(of: .max, for: reader.path)) }
    return try filledData(size.partialValue, path: reader.path) { (buffer) throws(DataError) in
      try reader.read(positions, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<size.partialValue]))
      return size.partialValue
    }
  }

  /// Begins to read examples on another thread; the next `read` of the same positions takes them.
  func prefetch(_ positions: [Int]) { pending = Reading(positions, from: reader) }

  /// A batch that is being read.
  private final class Reading: Sendable {
    let positions: [Int]
    private let isDone = DispatchSemaphore(value: 0)
    private let outcome = Mutex<Result<Data, DataError>?>(nil)

    init(_ positions: [Int], from reader: any ExampleReader) {
      self.positions = positions
      DispatchQueue.global(qos: .userInitiated).async {
        let result = Result { () throws(DataError) in try ExampleStream.bytes(of: positions, from: reader) }
        self.outcome.withLock { $0 = result }
        self.isDone.signal()
      }
    }

    /// Waits for the batch; called once.
    func result() throws(DataError) -> Data {
      isDone.wait()
      guard let result = outcome.withLock({ $0 }) else { endProgram("a batch was done without a result") }
      return try result.get()
    }
  }
}
