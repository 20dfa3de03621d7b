import Foundation

/// How much memory is resident in this process at most, from a moment on; on Linux.
struct ResidentMemory {
  /// Forgets what was before; `nil` where the system does not let it.
  init?() {
    guard (try? Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))) != nil else { return nil }
  }

  /// In bytes.
  var peak: Int? {
    guard let table = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else { return nil }
    let line = table.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }.map { $0 << 10 }
  }
}
