/// Lines of text that fit into a width.
struct TextBlock {
  let lines: [String]
  /// The height of the em.
  let size: Double

  /// The distance between base lines in parts of the size.
  static let leading = 1.25

  /// No height without text.
  var height: Double { lines.isEmpty ? 0 : (Double(lines.count - 1) * Self.leading + 1.2) * size }

  /// The length of the longest line.
  func width(_ typeface: Typeface) -> Double { lines.map { typeface.width(of: $0, size: size) }.max() ?? 0 }

  /// Breaks text between words into as few lines as possible, of similar length.
  ///
  /// Text that is still too wide or too high becomes smaller, so that nothing is cut off.
  ///
  /// - Parameters:
  ///   - size: the size if there is room.
  ///   - width: the longest line that fits.
  ///   - height: the largest height that fits.
  init(_ text: String, size: Double, width: Double, height: Double = .infinity, _ typeface: Typeface) {
    let paragraphs = text.split(separator: "\n", omittingEmptySubsequences: false).map {
      $0.split(separator: " ").map(String.init)
    }
    guard text.contains(where: { $0 != " " && $0 != "\n" }) else {
      (lines, self.size) = ([], size)
      return
    }
    var size = size
    let smallest = size * 0.05
    while true {
      let broken = paragraphs.flatMap { TextBlock.balanced($0, size: size, width: width, typeface) }
      let block = TextBlock(lines: broken, size: size)
      if size <= smallest || block.width(typeface) <= width && block.height <= height {
        self = block
        return
      }
      size *= 0.93
    }
  }

  private init(lines: [String], size: Double) { (self.lines, self.size) = (lines, size) }

  /// As many lines as the width requires, each no longer than that number of lines requires.
  private static func balanced(
    _ words: [String], size: Double, width: Double, _ typeface: Typeface
  ) -> [String] {
    var best = broken(words, size: size, width: width, typeface)
    guard best.count > 1 else { return best }
    var narrower = width
    for _ in 0..<12 {
      narrower *= 0.95
      let lines = broken(words, size: size, width: narrower, typeface)
      if lines.count > best.count || lines.contains(where: { typeface.width(of: $0, size: size) > narrower }) { break }
      best = lines
    }
    return best
  }

  private static func broken(
    _ words: [String], size: Double, width: Double, _ typeface: Typeface
  ) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in words {
      let longer = line.isEmpty ? word : line + " " + word
      if !line.isEmpty && typeface.width(of: longer, size: size) > width {
        lines.append(line)
        line = word
      } else {
        line = longer
      }
    }
    return lines + [line]
  }
}
