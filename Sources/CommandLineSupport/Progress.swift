public import ArgumentParser
import Foundation

/// How progress is shown, on standard error.
public enum ProgressStyle: String, CaseIterable, ExpressibleByArgument, Sendable {
  /// A bar on a terminal, plain lines elsewhere.
  case auto
  /// One line that is redrawn.
  case bar
  /// A line every few seconds.
  case plain
  /// No progress is shown.
  case none
}

/// Shows the progress of a loop: the share done, a text, and the time left.
public final class Progress {
  private let total: Int
  private let label: String
  private let style: ProgressStyle
  private let startedAt: Int
  private let start = Date()
  private var lastShown = Date.distantPast
  private var bar: String?

  /// Starts at a position, such as the step at which a resumed run continues.
  public init(_ label: String, total: Int, startingAt start: Int = 0, style: ProgressStyle) {
    self.label = label
    self.total = total
    startedAt = start
    self.style = style == .auto ? (isatty(STDERR_FILENO) == 1 ? .bar : .plain) : style
  }

  /// Reports a position, with a text computed only if it is shown.
  public func update(_ position: Int, _ text: @autoclosure () -> String = "") {
    let now = Date()
    let interval = style == .bar ? 0.1 : 10
    guard style != .none, now.timeIntervalSince(lastShown) >= interval || position == total else { return }
    lastShown = now
    let elapsed = now.timeIntervalSince(start)
    let done = position - startedAt
    let left = done > 0 ? elapsed / Double(done) * Double(total - position) : .nan
    let time = position == total ? "took \(Self.duration(elapsed))" : "\(Self.duration(left)) left"
    let counts = "\(position)/\(total)"
    let details = [text(), time].filter { !$0.isEmpty }.joined(separator: "  ")
    switch style {
    case .bar:
      let width = 24
      let filled = total > 0 ? min(width, width * position / total) : width
      let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
      let line = "\(label) \(bar) \(counts)  \(details)"
      write("\r\u{1B}[K\(line)")
      self.bar = line
    default:
      write("\(label) \(counts)  \(details)\n")
    }
  }

  /// Prints a line above the bar, or after it once it has ended.
  public func note(_ line: String) {
    guard style != .none else { return }
    write(bar.map { "\r\u{1B}[K\(line)\n\($0)" } ?? "\(line)\n")
  }

  /// Ends the bar, whose last state stays on the screen.
  public func finish() {
    if bar != nil { write("\n") }
    bar = nil
  }

  private func write(_ text: String) { StandardStreams.writeError(text) }

  /// A duration in words, such as "8 s", "3 min 20 s", "2 h 5 min".
  public static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "? s" }
    let whole = Int(seconds.rounded())
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
    return "\(whole / 3600) h \(whole % 3600 / 60) min"
  }
}
