/// ArgumentParser's messages about wrong usage, turned into the end of one sentence.
enum UsageMessage {
  /// Turns a message that may have several lines and sentences into one.
  static func sentence(_ message: String) -> String {
    let lines = message.split(separator: "\n").map(String.init)
    guard let first = lines.first else { return message }
    // The value '/' is invalid for '--schedule <schedule>'. Please provide one of the following:
    //   - karras
    // or, where there are few: … Please provide one of 'auto', 'mlp' or 'unet'.
    let names = lines.dropFirst().map { $0.drop { $0 == " " || $0 == "-" } }.map(String.init)
    let pieces = first.components(separatedBy: ". Please provide one of ")
    let isList = names.count > 1
    let parts = (isList ? first : pieces[0]).split(separator: "'", omittingEmptySubsequences: false).map(String.init)
    if first.hasPrefix("The value '"), parts.count >= 4, isList || pieces.count == 2 {
      let quoted = pieces.last?.split(separator: "'").enumerated().filter { $0.offset % 2 == 0 } ?? []
      let value = parts[1..<(parts.count - 3)].joined(separator: "'")
      let option = parts[parts.count - 2].prefix { $0 != " " }
      return need(String(option), isList ? names : quoted.map { String($0.element) }, value)
    }
    // Unknown option '--bogus'. Did you mean '--out'?
    let guess = first.components(separatedBy: ". Did you mean ")
    if guess.count == 2 { return "\(guess[0]) (did you mean \(guess[1]))" }
    return ([first] + names).joined(separator: " ")
  }

  /// The sentence for a value that an option does not take.
  private static func need(_ option: String, _ names: [String], _ value: String) -> String {
    let near = nearest(to: value, in: names).map { " (did you mean \($0)?)" } ?? ""
    let all =
      names.count > 1 ? "\(names.dropLast().joined(separator: ", ")) or \(names[names.count - 1])" : names.joined()
    return "\(option) needs \(all), not \(value)\(near)"
  }

  /// The name with the fewest changed letters, if these are fewer than half of its letters.
  static func nearest(to text: String, in names: [String]) -> String? {
    let ranked = names.map { (name: $0, distance: distance(text.lowercased(), $0)) }
    return ranked.min { $0.distance < $1.distance }.flatMap { $0.distance * 2 <= $0.name.count ? $0.name : nil }
  }

  /// The distance of Levenshtein (1966): insertions, deletions and replacements.
  private static func distance(_ one: String, _ other: String) -> Int {
    let (one, other) = (Array(one), Array(other))
    var row = Array(0...other.count)
    for (i, letter) in one.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, target) in other.enumerated() {
        (diagonal, row[j + 1]) = (row[j + 1], min(diagonal + (letter == target ? 0 : 1), row[j] + 1, row[j + 1] + 1))
      }
    }
    return row[other.count]
  }
}
