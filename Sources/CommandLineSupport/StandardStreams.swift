internal import CFiles
import Foundation
import ScoreKit

/// Standard input, output and error of a tool.
public enum StandardStreams {
  /// Opens `/dev/null` in place of streams that the parent process has closed.
  ///
  /// Otherwise the next file that is opened would become standard output, and printed text would go into it. Call this
  /// before any file is opened.
  static func reopenClosed() {
    // Standard output is opened for reading only, so that printing to it still fails.
    for (descriptor, mode) in [(STDIN_FILENO, O_RDONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_WRONLY)]
    where fcntl(descriptor, F_GETFD) == -1 && errno == EBADF {
      _ = open("/dev/null", mode)
    }
  }

  /// Waits until all printed text is written.
  ///
  /// - Throws: `FileError` if some text could not be written, such as on a full disk or to a pipe that nobody reads.
  static func flushOutput() throws(FileError) {
    let code = cfiles_flush_output()
    if code != 0 { throw FileError("write", path: "standard output", code: code) }
  }

  /// Ends the process, after printed text was written.
  ///
  /// libtorch takes a quarter of a tool's start to take its tables of operators down again, which is left out.
  static func exit(_ status: Int32) -> Never {
    fflush(nil)
    _exit(status)
  }

  /// Whether a path is the path of standard output; printed text would then become part of that file.
  public static func isOutput(_ path: String) -> Bool {
    var (file, output) = (stat(), stat())
    return stat(path, &file) == 0 && fstat(STDOUT_FILENO, &output) == 0 && file.st_dev == output.st_dev
      && file.st_ino == output.st_ino
  }

  /// Writes to standard error; errors, such as of a closed pipe, are ignored.
  static func writeError(_ text: String) {
    var bytes = ArraySlice(text.utf8)
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Foundation.write(STDERR_FILENO, $0.baseAddress, $0.count) }
      if count > 0 { bytes = bytes.dropFirst(count) } else if errno != EINTR { return }
    }
  }
}
