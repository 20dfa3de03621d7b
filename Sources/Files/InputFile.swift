public import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A file that was opened for reading: the one place where files from outside are opened.
///
/// Only regular files are. A device such as `/dev/zero` has no end, and a pipe without a writer no beginning.
public final class InputFile: Sendable {
  /// The path that it was opened by.
  public let path: String
  /// The number of bytes when it was opened; 0 also where the system does not say, such as of a pipe.
  public let size: Int
  private let descriptor: Int32

  /// The most bytes that are taken from a file that does not tell its size.
  public static let unsizedLimit = 64 << 20

  /// Opens a file.
  ///
  /// - Parameters:
  ///   - path: the file; symbolic links are followed.
  ///   - acceptsPipes: whether it may be a pipe, such as a shell's `<(command)`.
  /// - Throws: `FileError` for what is missing, a folder, or neither a file nor a folder.
  public init(_ path: String, acceptsPipes: Bool = false) throws(FileError) {
    var status = stat()
    // Looked at first, because merely to open some devices does something.
    guard stat(path, &status) == 0 else { throw FileError("read", path: path) }
    try Self.check(status, path, acceptsPipes)
    // A pipe that took the file's place since then does not make the program wait.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw FileError("read", path: path) }
    do throws(FileError) {
      guard fstat(descriptor, &status) == 0 else { throw FileError("read", path: path) }
      try Self.check(status, path, acceptsPipes)
    } catch {
      close(descriptor)
      throw error
    }
    self.path = path
    self.descriptor = descriptor
    size = status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : 0
  }

  private static func check(_ status: stat, _ path: String, _ acceptsPipes: Bool) throws(FileError) {
    switch status.st_mode & S_IFMT {
    case S_IFREG: return
    case S_IFDIR: throw FileError("read", path: path, code: EISDIR)
    case S_IFIFO where acceptsPipes: return
    default: throw FileError("read", path: path, code: EINVAL, reason: "it is neither a file nor a folder")
    }
  }

  deinit { close(descriptor) }

  /// Reads bytes at a position into a buffer; fewer than it has room for only at the end of the file.
  ///
  /// Several threads may read at once: no position is shared.
  ///
  /// - Returns: the number of bytes.
  /// - Throws: `FileError`.
  public func read(at position: Int, into buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
    var filled = 0
    while filled < buffer.count {
      let count = pread(
        descriptor, buffer.baseAddress?.advanced(by: filled), buffer.count - filled, off_t(position + filled))
      if count == 0 { break }
      if count > 0 { filled += count } else if errno != EINTR { throw FileError("read", path: path) }
    }
    return filled
  }

  /// The most bytes that options and descriptions take.
  public static let descriptionLimit = 16 << 20

  /// All bytes: as many as the file had when it was opened, or those up to the end of one that has no size.
  ///
  /// - Parameter limit: the number of bytes from which on a file is refused unread.
  /// - Throws: `FileError`, also where there is not enough memory, or more than `unsizedLimit` bytes where the size was not
  ///   known beforehand.
  public func contents(limit: Int = .max) throws(FileError) -> Data {
    guard size <= limit else {
      throw FileError("read", path: path, code: EFBIG, reason: "it has \(size) bytes, far more than it needs")
    }
    guard size > 0 else { return try contentsWithoutSize() }
    try Memory.require(size, for: path)
    guard let memory = malloc(size) else { throw Memory.lack(of: size, for: path) }
    do throws(FileError) {
      let count = try read(at: 0, into: UnsafeMutableRawBufferPointer(start: memory, count: size))
      return Data(bytesNoCopy: memory, count: count, deallocator: .free)
    } catch {
      free(memory)
      throw error
    }
  }

  private func contentsWithoutSize() throws(FileError) -> Data {
    var data = Data()
    var part = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = Foundation.read(descriptor, &part, part.count)
      if count == 0 { return data }
      if count > 0 {
        data.append(contentsOf: part[..<count])
        guard data.count <= Self.unsizedLimit else {
          throw FileError("read", path: path, code: EFBIG, reason: "it has more than \(Self.unsizedLimit >> 20) MiB")
        }
      } else if errno == EAGAIN {
        // The other end of a pipe has nothing to say yet.
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        poll(&request, 1, -1)
      } else if errno != EINTR {
        throw FileError("read", path: path)
      }
    }
  }
}
