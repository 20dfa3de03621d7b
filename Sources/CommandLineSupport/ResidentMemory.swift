import Foundation

/// How much memory of this process is resident, where the system tells: on Linux.
public enum ResidentMemory {
  /// Forgets how much has been resident at most.
  ///
  /// - Returns: how much is now, in bytes.
  @discardableResult
  public static func resetPeak() throws -> Int {
    try Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))
    return try bytes("VmRSS")
  }

  /// How much has been resident at most, since the process began or the last `resetPeak()`, in bytes.
  public static func peak() throws -> Int { try bytes("VmHWM") }

  /// A number of the system's table of this process.
  private static func bytes(_ field: String) throws -> Int {
    let lines = try String(contentsOfFile: "/proc/self/status", encoding: .utf8).split(separator: "\n")
    let words = lines.first { $0.hasPrefix("\(field):") }?.split(whereSeparator: \.isWhitespace)
    guard let words, words.count > 1, let kilobytes = Int(words[1]) else { throw CocoaError(.fileReadCorruptFile) }
    return kilobytes << 10
  }
}
