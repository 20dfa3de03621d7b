import Foundation

/// How much memory of this process is resident, where the system tells: on Linux.
enum ResidentMemory {
  /// Forgets how much has been resident at most; how much is now.
  static func resetPeak() throws -> Int {
    try Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))
    return try bytes("VmRSS")
  }

  /// A number of bytes from the system's table of this process: `VmRSS` now, `VmHWM` at most.
  static func bytes(_ field: String) throws -> Int {
    let lines = try String(contentsOfFile: "/proc/self/status", encoding: .utf8).split(separator: "\n")
    let words = lines.first { $0.hasPrefix("\(field):") }?.split(whereSeparator: \.isWhitespace)
    guard let words, words.count > 1, let kilobytes = Int(words[1]) else { throw CocoaError(.fileReadCorruptFile) }
    return kilobytes << 10
  }
}
