public import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A failure of the file system, with the path and the system's own reason.
public struct FileError: Failure, Equatable {
  /// The operation that failed: "write", "read", "create", "rename".
  public let operation: String
  /// The path of the operation.
  public let path: String
  /// The system's error number.
  public let code: Int32
  /// The reason in words, if the system's text for the code does not fit.
  public let reason: String?

  /// Makes an error from the current `errno`, or from a given code and reason.
  public init(_ operation: String, path: String, code: Int32 = errno, reason: String? = nil) {
    self.operation = operation
    self.path = path
    self.code = code
    self.reason = reason
  }

  /// Whether the path, or a folder on the way to it, does not exist.
  public var isMissing: Bool { code == ENOENT }

  /// Whether a file was refused because it is larger than a file of its kind can be.
  public var isTooLarge: Bool { code == EFBIG && operation == "read" }

  /// `missing` for what was to be read, `internal` where memory lacks, `data` for a file that is too large, else
  /// `inputOutput`.
  public var kind: FailureKind {
    isOutOfMemory ? .internal : isTooLarge ? .data : isMissing && operation == "read" ? .missing : .inputOutput
  }

  /// Whether there was not enough memory.
  public var isOutOfMemory: Bool { code == ENOMEM }

  /// One sentence: what failed, where, why, and what to do.
  public var description: String {
    if let reason { return "cannot \(operation) \(path): \(reason)" }
    let advice =
      switch code {
      case ENOSPC, EDQUOT: "; free some space and try again"
      case EACCES, EPERM: operation == "read" ? "; make it readable for you" : "; choose a place that you may write to"
      case EROFS: "; choose a place that you may write to"
      case ENOENT: "; check the path"
      default: ""
      }
    return "cannot \(operation) \(path): \(String(cString: strerror(code)).lowercased())\(advice)"
  }
}
