public import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A file that is open for reading; this type alone opens files from outside.
///
/// It opens only regular files, and pipes on request. A device such as `/dev/zero` has no end, and opening a pipe
/// without a writer waits for ever.
public final class InputFile: Sendable {
  /// The path by which the file was opened.
  public let path: String
  /// The number of bytes when the file was opened; also 0 if the system does not know the size, as for a pipe.
  public let size: Int
  private let descriptor: Int32

  /// The largest number of bytes that is read from a file of unknown size.
  public static let unsizedLimit = 64 << 20

  /// Opens a file.
  ///
  /// - Parameters:
  ///   - path: the file; symbolic links are followed.
  ///   - acceptsPipes: whether it may be a pipe, such as a shell's `<(command)`.
  /// - Throws: `FileError` for a path that is missing, a folder, or neither a file nor a folder.
  public init(_ path: String, acceptsPipes: Bool = false) throws(FileError) {
    var status = stat()
    // The path is examined first, because just opening some devices has an effect.
    guard stat(path, &status) == 0 else { throw FileError("read", path: path) }
    try Self.check(status, path, acceptsPipes)
    // With O_NONBLOCK the program does not wait if a pipe has replaced the file since then.
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

  /// Reads bytes at a position into a buffer and fills it, except at the end of the file.
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

  /// The largest size of files with options or descriptions, in bytes.
  public static let descriptionLimit = 16 << 20

  /// All bytes: as many as the file had when it was opened, or all up to the end if the size is unknown.
  ///
  /// - Parameter limit: the largest size in bytes; a larger file is refused unread.
  /// - Throws: `FileError`, also if there is not enough memory, or if a file of unknown size has more than
  ///   `unsizedLimit` bytes.
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
        // The other end of the pipe has written nothing new yet.
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        poll(&request, 1, -1)
      } else if errno != EINTR {
        throw FileError("read", path: path)
      }
    }
  }
}
