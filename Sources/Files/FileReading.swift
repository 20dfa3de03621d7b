package import Foundation

/// Reads a regular file of a limited size.
///
/// - Throws: `DataError`, also if the file has more bytes than `limit`.
package func readFile(_ path: String, limit: Int) throws(DataError) -> Data {
  try RandomAccessBytes(path: path).content(limit: limit)
}

/// Calls the file system and turns a `FileError` into a `DataError`.
package func files<Result>(_ body: () throws(FileError) -> Result) throws(DataError) -> Result {
  do {
    return try body()
  } catch {
    throw DataError(error)
  }
}

/// Checks that there is memory for the size that a file announces.
///
/// - Throws: `DataError` if there is not enough memory.
package func requireMemory(_ count: Int, for path: String) throws(DataError) {
  try files { () throws(FileError) in try Memory.require(count, for: path) }
}

/// Allocates memory of a size that a file announces, and fills it by a closure.
///
/// - Parameter fill: fills the beginning of the memory and returns the number of bytes.
/// - Throws: `DataError` if there is not enough memory; errors of `fill`.
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

extension Sequence<UInt8> {
  /// The number that little-endian bytes stand for.
  package var littleEndian: UInt64 { reversed().reduce(0) { $0 << 8 | UInt64($1) } }
}
