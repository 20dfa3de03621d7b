import Foundation

/// The resident memory of this process, in bytes; only Linux reports it.
public enum ResidentMemory {
  /// Resets the peak to the present value.
  ///
  /// - Returns: the present resident memory in bytes.
  @discardableResult
  public static func resetPeak() throws -> Int {
    try Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))
    return try bytes("VmRSS")
  }

  /// The peak of the resident memory in bytes, since the process began or since the last `resetPeak()`.
  public static func peak() throws -> Int { try bytes("VmHWM") }

  /// A number from the system's table for this process, in bytes.
  private static func bytes(_ field: String) throws -> Int {
    let lines = try String(contentsOfFile: "/proc/self/status", encoding: .utf8).split(separator: "\n")
    let words = lines.first { $0.hasPrefix("\(field):") }?.split(whereSeparator: \.isWhitespace)
    guard let words, words.count > 1, let kilobytes = Int(words[1]) else { throw CocoaError(.fileReadCorruptFile) }
    return kilobytes << 10
  }
}
