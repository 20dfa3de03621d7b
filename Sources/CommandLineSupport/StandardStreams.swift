internal import CFiles
import Foundation
import ScoreKit

/// The streams that a tool is started with.
public enum StandardStreams {
  /// Puts something in the place of streams that the parent process has closed.
  ///
  /// The next file that is opened would otherwise become standard output, and what is printed would go into it. Called
  /// before any file is opened.
  static func reopenClosed() {
    // What stands for standard output cannot be written to: printing to it stays a failure.
    for (descriptor, mode) in [(STDIN_FILENO, O_RDONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_WRONLY)]
    where fcntl(descriptor, F_GETFD) == -1 && errno == EBADF {
      _ = open("/dev/null", mode)
    }
  }

  /// Waits until all that was printed is written.
  ///
  /// - Throws: `FileError` where any of it was not, such as on a full disk or to a pipe that nobody reads.
  static func flushOutput() throws(FileError) {
    let code = cfiles_flush_output()
    if code != 0 { throw FileError("write", path: "standard output", code: code) }
  }

  /// Whether a path is that of standard output: what else is printed would then become part of what was written there.
  public static func isOutput(_ path: String) -> Bool {
    var (file, output) = (stat(), stat())
    return stat(path, &file) == 0 && fstat(STDOUT_FILENO, &output) == 0 && file.st_dev == output.st_dev
      && file.st_ino == output.st_ino
  }

  /// Writes to standard error; a reader that went away is no reason to stop.
  static func writeError(_ text: String) {
    var bytes = ArraySlice(text.utf8)
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Foundation.write(STDERR_FILENO, $0.baseAddress, $0.count) }
      if count > 0 { bytes = bytes.dropFirst(count) } else if errno != EINTR { return }
    }
  }
}
