package import Foundation

/// Reads a regular file of a limited size.
///
/// - Throws: `DataError`, also where it has more bytes than `limit`.
package func readFile(_ path: String, limit: Int) throws(DataError) -> Data {
  try RandomAccessBytes(path: path).content(limit: limit)
}

/// What a call to the file system gives, its failure as one of data.
package func files<Result>(_ body: () throws(FileError) -> Result) throws(DataError) -> Result {
  do {
    return try body()
  } catch {
    throw DataError(error)
  }
}

/// Finds out whether there is memory for what a file announces.
///
/// - Throws: `DataError` where there is not.
package func requireMemory(_ count: Int, for path: String) throws(DataError) {
  try files { () throws(FileError) in try Memory.require(count, for: path) }
}

/// Memory of a size that a file decides, and what a closure put there.
///
/// - Parameter fill: fills the beginning of the memory and returns the number of bytes.
/// - Throws: `DataError` where there is not enough memory, or as `fill`.
package func filledData(
  _ capacity: Int, path: String, _ fill: (UnsafeMutableRawBufferPointer) throws(DataError) -> Int
) throws(DataError) -> Data {
  try requireMemory(capacity, for: path)
  guard let memory = malloc(max(capacity, 1)) else { throw DataError(Memory.lack(of: capacity, for: path)) }
  do throws(DataError) {
    let count = try fill(UnsafeMutableRawBufferPointer(start: memory, count: capacity))
    let kept = count < capacity ? realloc(memory, max(count, 1)) ?? memory : memory
    return Data(bytesNoCopy: kept, count: count, deallocator: .free)
  } catch {
    free(memory)
    throw error
  }
}

/// The last part of a path.
package func lastComponent(of path: String) -> String { URL(fileURLWithPath: path).lastPathComponent }

extension Sequence<UInt8> {
  /// The number that bytes stand for, the lowest first.
  package var littleEndian: UInt64 { reversed().reduce(0) { $0 << 8 | UInt64($1) } }
}
